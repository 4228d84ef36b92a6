"""A notice that needs an approval is a draft until it has it; what becomes of it is named."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from backout.people import Action
from backout.timeline import IncidentEnded, PeoplePaged
from backout.timeline_decisions import ApprovalAsked
from backout.timeline_notices import NoticeDropped, NoticeOverdue
from backout.view import IncidentOutcome
from tests.workflows.communicated import APPROVED, STEPS, draft, minutes, paged, sent, told
from tests.workflows.engine import alert, running
from tests.workflows.playbooks import CHECK, DETECT, POSTMORTEM, REVERT, VERIFY, playbook


async def test_nothing_is_sent_that_nobody_approved_and_each_due_time_calls_the_owner_once(
    skipping: Client,
) -> None:
    async with running(skipping) as engine:
        incident = await engine.open(playbook(*STEPS, communications=[APPROVED]))
        summary = await incident.result()
        messages = await sent(incident)
        overdue = await incident.events(NoticeOverdue)
        calls = [event for event in await paged(incident, "is overdue") if event.roles == ("product",)]
        dropped = await incident.events(NoticeDropped)
        asked = await incident.events(ApprovalAsked)
    assert messages == []
    due = [30, 90, 150, 210, 270]
    assert minutes([event.due for event in overdue], summary.opened_at) == due
    assert minutes([event.at for event in overdue], summary.opened_at) == due
    assert len(calls) == len(due)
    assert minutes([event.until for event in asked], summary.opened_at)[:2] == [30, 90]
    assert {event.why for event in dropped[:3]} == {"it was not approved before a new draft took its place"}
    assert dropped[-1].why == "the incident is over"


async def test_a_draft_is_asked_for_as_long_before_it_is_due_as_the_first_one(skipping: Client) -> None:
    async with running(skipping) as engine:
        incident = await engine.open(playbook(*STEPS, communications=[APPROVED]))
        summary = await incident.result()
        asked = await incident.events(ApprovalAsked)
    assert minutes([event.at for event in asked], summary.opened_at)[:4] == [0, 60, 120, 180]


async def test_an_approved_draft_is_sent_word_for_word_and_another_person_s_right_is_needed(
    waiting: Client,
) -> None:
    async with running(waiting) as engine:
        incident = await engine.open(playbook(*STEPS, communications=[APPROVED]))
        ask = draft(await incident.until(draft))
        assert ask is not None
        with pytest.raises(WorkflowUpdateFailedError):
            await incident.act("dave", Action.APPROVE, subject=ask.subject)
        assert told(await incident.view()) == []
        await incident.act("carol", Action.APPROVE, subject=ask.code)
        view = await incident.until(told)
        await incident.end()
    (message,) = told(view)
    assert ask.what == f"Send to customers: {message.text}"
    assert not message.late
    assert draft(view) is None


async def test_a_late_approval_sends_it_late(skipping: Client) -> None:
    async with running(skipping) as engine:
        once = {**APPROVED, "every": None}
        incident = await engine.open(playbook(*STEPS, communications=[once], remind="2h"))
        view = await incident.until(lambda view: any(isinstance(e, NoticeOverdue) for e in view.timeline))
        ask = draft(view)
        assert ask is not None
        await incident.act("carol", Action.APPROVE, subject=ask.subject)
        await incident.result()
        (message,) = await sent(incident)
        overdue = await incident.events(NoticeOverdue)
    assert message.late > timedelta(0)
    assert len(overdue) == 1


async def test_a_rejected_draft_is_named_its_owner_is_called_and_the_next_one_is_asked_for(
    server: WorkflowEnvironment, waiting: Client
) -> None:
    async with running(waiting) as engine:
        owned = {**APPROVED, "owner": "on_call"}
        incident = await engine.open(playbook(*STEPS, communications=[owned]))
        first = draft(await incident.until(draft))
        assert first is not None
        await incident.act("carol", Action.REJECT, subject=first.subject, reason="wrong date")
        await server.fast_forward(incident.handle, timedelta(hours=1))
        view = await incident.until(lambda view: (one := draft(view)) and one.subject != first.subject)
        calls = await paged(incident, "wrong date")
        dropped = await incident.events(NoticeDropped)
        await incident.end()
    assert told(view) == []
    assert [event.why for event in dropped] == ["rejected by Carol: wrong date"]
    assert [event.roles for event in calls] == [("on_call",)]


async def test_the_same_words_for_the_next_due_time_need_an_approval_of_their_own(
    server: WorkflowEnvironment, waiting: Client
) -> None:
    async with running(waiting) as engine:
        same = {**APPROVED, "template": "resolved"}
        incident = await engine.open(playbook(*STEPS, communications=[same]))
        first = draft(await incident.until(draft))
        assert first is not None
        await incident.act("carol", Action.APPROVE, subject=first.subject)
        await incident.until(told)
        await server.fast_forward(incident.handle, timedelta(hours=1))
        view = await incident.until(lambda view: (one := draft(view)) and one.subject != first.subject)
        second = draft(view)
        assert second is not None
        with pytest.raises(WorkflowUpdateFailedError):
            await incident.act("carol", Action.APPROVE, subject=first.subject)
        await incident.end()
    assert second.what == first.what
    assert len(told(view)) == 1


async def test_a_draft_of_before_is_replaced_when_the_incident_goes_on(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.check.passes = False
        engine.world.clock.pause()
        steps = (DETECT, REVERT, CHECK, POSTMORTEM)
        told_so = {**APPROVED, "after": "reverting", "until": "verified"}
        incident = await engine.open(playbook(*steps, communications=[told_so]), alert("ProviderDown"))
        first = draft(await incident.until(draft))
        assert first is not None
        engine.world.clock.go_on()
        view = await incident.until(lambda view: (one := draft(view)) and "is back" in one.what)
        dropped = await incident.events(NoticeDropped)
        with pytest.raises(WorkflowUpdateFailedError):
            await incident.act("carol", Action.APPROVE, subject=first.subject)
        await incident.end()
    assert first.what.startswith("Send to customers: chat: we are going back to the previous version\n")
    assert dropped[0].why == "the incident went on before it was approved; it is monitoring now"
    assert told(view) == []


async def test_the_incident_closes_only_when_the_last_word_is_sent(waiting: Client) -> None:
    async with running(waiting) as engine:
        steps = (DETECT, REVERT, VERIFY, POSTMORTEM)
        incident = await engine.open(playbook(*steps, communications=[APPROVED]), alert("ProviderDown"))
        view = await incident.until(
            lambda view: view.postmortem and (one := draft(view)) and "the problem is solved" in one.what
        )
        assert view.summary.outcome is IncidentOutcome.OPEN
        ask = draft(view)
        assert ask is not None
        await incident.act("carol", Action.APPROVE, subject=ask.subject)
        summary = await incident.result()
        (message,) = await sent(incident)
        (ended,) = await incident.events(IncidentEnded)
    assert summary.outcome is IncidentOutcome.RECOVERED
    assert message.seq < ended.seq


async def test_who_rejects_the_last_word_lets_the_incident_close(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await engine.open(playbook(POSTMORTEM, communications=[APPROVED]))
        view = await incident.until(lambda view: view.postmortem and draft(view))
        ask = draft(view)
        assert ask is not None
        await incident.act("carol", Action.REJECT, subject=ask.subject, reason="nobody was hit")
        await incident.result()
        messages = await sent(incident)
    assert messages == []


async def test_an_alert_that_begins_while_the_last_word_waits_begins_the_series_anew(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await engine.open(playbook(*STEPS, communications=[APPROVED]))
        await incident.until(draft)
        await incident.act("alice", Action.ABORT, reason="fixed forward")
        await incident.until(lambda view: view.postmortem and draft(view))
        await incident.handle.signal("alert", alert("Again", fingerprint="f9"))
        view = await incident.until(lambda view: view.summary.phase == "manual" and draft(view))
        await incident.end()
    ask = draft(view)
    assert ask is not None
    assert "we are looking into a problem" in ask.what
    assert "We will tell you more by" in ask.what
    assert [one.due for one in view.notices] == [ask.until]


async def test_what_is_due_next_and_what_it_waits_for_is_shown(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await engine.open(playbook(*STEPS, communications=[APPROVED]))
        view = await incident.until(draft)
        pages = [event for event in view.timeline if isinstance(event, PeoplePaged)]
        await incident.end()
    (notice,) = view.notices
    assert notice.waits_for == ("product", "commander")
    assert not notice.overdue
    assert notice.line == (
        f"customers: next notice due {notice.due:%H:%M} UTC, draft {notice.code} waits for approval by "
        "product or commander"
    )
    assert all(event.why for event in pages)
