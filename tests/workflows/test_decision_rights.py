"""Decision rights in a running incident: who shipped it, ways past a quorum, consents and severity."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from backout.people import Action
from backout.severity import Severity
from backout.steps import Move
from backout.timeline import ActionTaken, PeoplePaged, StepTimedOut
from backout.timeline_decisions import ConsentAsked, ConsentLapsed, GlassBroken
from backout.view import IncidentOutcome, Phase
from tests.workflows.engine import Engine, Incidents, running
from tests.workflows.playbooks import CHECK, DETECT, POSTMORTEM, REVERT, RIGHTS, playbook, rules
from workflows.search_attributes import SEVERITY

BOTH = {"rules": rules("approve", quorum=2, approve_by=["commander", "product"])}
ROLES: dict[str, Any] = {
    "on_call": {"may": RIGHTS},
    "commander": {"may": [*RIGHTS, "approve", "reject", "severity", "override"]},
    "product": {"may": ["approve", "reject", "note"]},
    "platform": {"may": ["note"]},
}
GLASS = {"break_glass": {"roles": ["platform", "on_call"], "report": ["product"]}}


async def refusal(incident: Incidents, person: str, action: Action, **fields: object) -> str:
    """Let a person try, and return why it was refused."""
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await incident.act(person, action, **fields)
    assert isinstance(caught.value.cause, ApplicationError)
    return caught.value.cause.message


async def waiting_for_votes(engine: Engine, **changes: Any) -> Incidents:  # noqa: ANN401  # any field
    """Open an incident that waits for a quorum of two."""
    incident = await engine.open(
        playbook(DETECT, REVERT, POSTMORTEM, **{**BOTH, "roles": ROLES} | changes), shipped_by="Bob"
    )
    await incident.asked(Action.APPROVE)
    return incident


async def held(engine: Engine, **changes: Any) -> Incidents:  # noqa: ANN401  # any field
    """Open an incident that is held because its check failed."""
    engine.world.check.passes = False
    incident = await engine.open(playbook(CHECK, POSTMORTEM, roles=ROLES, **changes))
    await incident.asked(Action.CLOSE)
    return incident


def percents(engine: Engine) -> list[int]:
    return [change.percent for change in engine.world.target.changes]


async def test_who_shipped_the_release_authorises_nothing_and_may_still_stop_it(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await waiting_for_votes(engine)
        for action in (Action.APPROVE, Action.OVERRIDE):
            assert "Bob shipped this release" in await refusal(incident, "bob", action, reason="mine")
        assert (await incident.view()).shipped_by == "Bob"
        await incident.act("bob", Action.REJECT, reason="I see the error")
        view = await incident.asked(Action.CLOSE)
        await incident.end()
    assert "rejected by Bob" in view.held
    assert percents(engine) == []


async def test_an_override_authorises_past_the_quorum_and_stands_out(waiting: Client) -> None:
    roles = {**ROLES, "product": {"may": ["approve", "reject", "override"]}}
    async with running(waiting) as engine:
        incident = await waiting_for_votes(engine, roles=roles)
        receipt = await incident.act("carol", Action.OVERRIDE, reason="children see it")
        await incident.result()
        (taken,) = await incident.events(ActionTaken)
    assert receipt.text == "overridden, it had 0 of 2 approvals: authorised"
    assert taken.line == f"Carol (product, via cli): OVERRIDE ({receipt.text}): children see it"
    assert percents(engine) == [50, 10, 0]


async def test_the_approval_of_one_step_is_none_of_another_that_plans_the_same(waiting: Client) -> None:
    async with running(waiting) as engine:
        steps = (DETECT, REVERT, {**REVERT, "name": "again"}, POSTMORTEM)
        incident = await engine.open(playbook(*steps, rules=rules("approve", approve_by=["commander"])))
        first = (await incident.asked(Action.APPROVE)).asks[0].subject
        await incident.act("bob", Action.APPROVE)
        view = await incident.until(lambda view: view.step == "again" and view.asks)
        await incident.end()
    assert view.asks[0].subject != first
    assert percents(engine) == [50, 10, 0]


async def test_two_people_of_two_roles_break_the_glass_and_it_is_reported_at_once(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await waiting_for_votes(engine, **GLASS)
        assert "break_glass needs a reason" in await refusal(incident, "dave", Action.BREAK_GLASS)
        first = await incident.act("dave", Action.BREAK_GLASS, reason="nobody answers")
        again = await refusal(incident, "dave", Action.BREAK_GLASS, reason="again")
        assert percents(engine) == []
        second = await incident.act("alice", Action.BREAK_GLASS, reason="I see it too")
        await incident.result()
        (broken,) = await incident.events(GlassBroken)
        pages = await incident.events(PeoplePaged)
    assert first.text == "first of two who break the glass; it takes somebody of another role"
    assert "has broken the glass for this already" in again
    assert second.text == "glass broken: authorised, and reported"
    assert (broken.by, broken.report) == (("Dave", "Alice"), ("product",))
    (report,) = [page for page in pages if "the glass was broken" in page.why]
    assert (report.people, "Dave: nobody answers; Alice: I see it too" in report.why) == (("Carol",), True)
    assert percents(engine) == [50, 10, 0]


async def test_there_is_no_glass_where_the_playbook_says_nothing(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await waiting_for_votes(engine)
        view = await incident.view()
        plan = view.asks[0].subject
        why = await refusal(incident, "dave", Action.BREAK_GLASS, reason="nobody answers", subject=plan)
        await incident.end()
    assert why.startswith("only nobody in this playbook may break_glass here")
    assert Action.BREAK_GLASS not in view.asks[0].actions


async def test_a_required_role_must_be_among_those_who_approve(waiting: Client) -> None:
    legal = {"rules": rules("approve", quorum=1, approve_by=["commander"], required=["product"])}
    async with running(waiting) as engine:
        incident = await waiting_for_votes(engine, **legal, roles={**ROLES, "on_call": ROLES["commander"]})
        assert "only commander or product may approve" in await refusal(incident, "alice", Action.APPROVE)
        receipt = await incident.act("carol", Action.APPROVE)
        await incident.result()
    assert receipt.text == "approval 1 of 1: authorised"


async def test_the_severity_that_people_say_is_shown_everywhere(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await waiting_for_votes(engine)
        assert "say how bad it is" in await refusal(incident, "bob", Action.SEVERITY, reason="x")
        same = {"reason": "x", "severity": Severity.CRITICAL}
        assert "the severity is critical already" in await refusal(incident, "bob", Action.SEVERITY, **same)
        receipt = await incident.act("bob", Action.SEVERITY, reason="few see it", severity=Severity.MINOR)
        view = await incident.view()
        found = (await incident.handle.describe()).typed_search_attributes[SEVERITY]
        (taken,) = await incident.events(ActionTaken)
        await incident.end()
    assert receipt.text == "it is minor now"
    assert view.summary.severity is Severity.MINOR
    assert found == "minor"
    assert taken.line == "Bob (commander, via cli): severity (it is minor now): few see it"


TIMES = {
    "critical": {"within": "1m", "on_timeout": "escalate"},
    "minor": {"within": "5m", "on_timeout": "abort"},
}


async def test_the_time_for_an_approval_follows_the_severity_of_that_moment(skipping: Client) -> None:
    async with running(skipping) as engine:
        incident = await engine.open(playbook(DETECT, REVERT, POSTMORTEM, **BOTH, approvals=TIMES))
        await incident.asked(Action.CLOSE)
        (late,) = await incident.events(StepTimedOut)
        await incident.end()
    assert late.move == Move.ESCALATE


async def test_a_severity_that_people_lowered_gives_the_next_approval_its_own_time(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await waiting_for_votes(engine, approvals=TIMES)
        first = (await incident.view()).asks[0].until
        await incident.act("bob", Action.SEVERITY, reason="few see it", severity=Severity.MINOR)
        await incident.act("alice", Action.HOLD)
        await incident.asked(Action.RESUME)
        await incident.act("alice", Action.RESUME)
        second = (await incident.asked(Action.APPROVE)).asks[0].until
        await incident.end()
    assert first
    assert second
    assert 200 < (second - first).total_seconds() < 260


CONSENT = {"consents": {"close": ["product"]}}


async def test_what_takes_consent_is_asked_and_carried_out_once_it_is_given(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await held(engine, **CONSENT)
        receipt = await incident.act("bob", Action.CLOSE, reason="fixed forward")
        view = await incident.asked(Action.APPROVE)
        (ask,) = [one for one in view.asks if one.carries_out]
        assert view.summary.phase is Phase.HELD
        twice = await refusal(incident, "alice", Action.CLOSE, reason="again")
        only = await refusal(incident, "bob", Action.APPROVE)
        given = await incident.act("carol", Action.APPROVE)
        result = await incident.result()
        (asked,) = await incident.events(ConsentAsked)
        acts = await incident.events(ActionTaken)
    assert receipt.text.startswith("close is not carried out yet: it waits for 1 more, until ")
    assert receipt.text.endswith(f"they approve or reject it by the code {ask.code}")
    assert "close waits for 1 more already: 'Bob wants to close: fixed forward'" in twice
    assert "only product may approve here" in only
    assert given.text == "approval 1 of 1: authorised"
    assert asked.line.startswith("Bob (commander, via cli): close waits for the consent of product until ")
    assert [(one.actor.name, one.action) for one in acts] == [
        ("Carol", Action.APPROVE),
        ("Bob", Action.CLOSE),
    ]
    assert acts[1].detail == "carried out, with the consent that it takes: close: taken"
    assert result.outcome is IncidentOutcome.CLOSED


async def test_a_consent_that_is_refused_ends_what_was_asked(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await held(engine, **CONSENT)
        await incident.act("bob", Action.CLOSE, reason="fixed forward")
        receipt = await incident.act("carol", Action.REJECT, reason="users still see it")
        view = await incident.view()
        anew = await incident.act("bob", Action.CLOSE, reason="fixed forward")
        await incident.end()
    assert receipt.text == "rejected; close is not carried out"
    assert (view.summary.phase, [ask.carries_out for ask in view.asks]) == (Phase.HELD, [None])
    assert "not carried out yet" in anew.text


async def test_who_has_the_role_consents_by_acting(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await held(engine, consents={"close": ["commander"]})
        receipt = await incident.act("bob", Action.CLOSE, reason="fixed forward")
        await incident.result()
    assert receipt.text == "close: taken"


async def test_another_decision_leaves_nothing_to_consent_to(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await held(engine, **CONSENT)
        await incident.act("bob", Action.CLOSE, reason="fixed forward")
        engine.world.check.passes = True
        await incident.act("alice", Action.RETRY)
        await incident.result()
        (lapsed,) = await incident.events(ConsentLapsed)
    assert lapsed.line == "close was not carried out: retry was decided meanwhile"


async def test_a_skip_that_was_asked_for_is_not_for_the_next_step(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await engine.open(
            playbook(DETECT, REVERT, POSTMORTEM, **BOTH, roles=ROLES, consents={"skip": ["platform"]})
        )
        await incident.asked(Action.APPROVE)
        plan = (await incident.view()).asks[0].subject
        await incident.act("alice", Action.SKIP, reason="wrong target")
        for person in ("bob", "carol"):
            await incident.act(person, Action.APPROVE, subject=plan)
        await incident.result()
        (lapsed,) = await incident.events(ConsentLapsed)
    assert (lapsed.action, lapsed.why) == (Action.SKIP, "the step is over")


async def test_silence_is_no_consent(skipping: Client) -> None:
    async with running(skipping) as engine:
        engine.world.check.passes = False
        incident = await engine.open(playbook(CHECK, POSTMORTEM, roles=ROLES, **CONSENT, remind="30m"))
        await incident.asked(Action.CLOSE)
        await incident.act("bob", Action.CLOSE, reason="fixed forward")
        await incident.until(lambda view: any(isinstance(one, ConsentLapsed) for one in view.timeline))
        (lapsed,) = await incident.events(ConsentLapsed)
        view = await incident.view()
        await incident.end()
    assert (lapsed.action, lapsed.why) == (Action.CLOSE, "nobody consented in time")
    assert view.summary.phase is Phase.HELD
    assert not any(ask.carries_out for ask in view.asks)


async def test_a_changed_severity_takes_consent_too(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await held(engine, consents={"severity": ["product"]})
        await incident.act("bob", Action.SEVERITY, reason="few see it", severity=Severity.MINOR)
        before = (await incident.view()).summary.severity
        await incident.act("carol", Action.APPROVE)
        after = (await incident.view()).summary.severity
        await asyncio.sleep(0)
        found = (await incident.handle.describe()).typed_search_attributes[SEVERITY]
        await incident.end()
    assert (before, after, found) == (Severity.CRITICAL, Severity.MINOR, "minor")
