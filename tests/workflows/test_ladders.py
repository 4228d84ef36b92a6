"""Ladders beyond roles and waits: rotas, hours, further channels, loops, holds and named ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from adapters.rotas.pagerduty import PagerDutySchedule
from adapters.rotas.weekly import SiteRota
from backout.people import Action
from backout.rotas import Calendar, WeeklyRota
from backout.timeline import Held, MessageFailed, PeoplePaged, StepStarted, StepTimedOut
from backout.timeline_paging import AcknowledgementLapsed, LadderEnded, LevelPassedOver
from backout.view import IncidentOutcome, Phase
from tests.workflows.engine import Engine, Incidents, alert, running
from tests.workflows.playbooks import CHECK, DETECT, ESCALATE, POSTMORTEM, playbook, rules

NEVER = Calendar.model_validate(
    {
        "zone": "UTC",
        "hours": {"monday": {"start": "09:00", "end": "17:00"}},
        "holidays": [(datetime.now(UTC).date() + timedelta(days=day)).isoformat() for day in range(-8, 400)],
    }
)
"""Nobody works in the year to come."""
TIDY = {"step": "manual", "owner": "on_call", "items": ["tidy up"], "within": "9h", "on_timeout": "hold"}
CALM = {"rules": rules("ack")}
"""The revert waits for an owner."""
BEGAN = (datetime.now(UTC) - timedelta(days=30)).date()
DAILY = ("alice", "bob", "carol")


def daily(*people: str) -> SiteRota:
    """Return a rota of people who take over from one another every day."""
    rota = {
        "kind": "weekly",
        "people": people,
        "start": BEGAN.isoformat(),
        "handover": "00:00",
        "zone": "UTC",
        "days": 1,
    }
    return SiteRota(WeeklyRota.model_validate(rota))


def on_call(at: datetime) -> str:
    """Return who is on call by the daily rota of all three, in its words."""
    return DAILY[(at.date() - BEGAN).days % 3].capitalize()


def policy(*levels: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401  # any field
    """Return the escalation of a playbook with this policy; a level waits five minutes."""
    return {"model": {"levels": [{"wait": "5m", **level} for level in levels], **more}}


async def opened(
    engine: Engine, escalation: dict[str, Any], *, step: dict[str, Any] | None = None, **changes: object
) -> Incidents:
    """Open an incident that comes to its escalate step at once, and then waits for an owner."""
    escalate = {**ESCALATE, "within": "3d", "on_timeout": "proceed", **(step or {})}
    steps = (DETECT, escalate, POSTMORTEM)
    return await engine.open(playbook(*steps, escalation=escalation, **{**CALM, **changes}))


def levels(events: list[PeoplePaged]) -> list[tuple[int, int]]:
    """Return the round and level of each page of a policy."""
    return [(event.round, event.level) for event in events if event.policy]


async def test_every_page_calls_who_is_on_call_at_that_moment(skipping: Client) -> None:
    async with running(skipping) as engine:
        engine.rotas["daily"] = daily(*DAILY)
        ladder = policy({"rotas": ["daily"], "wait": "24h"}, {"rotas": ["daily"], "wait": "1h"})
        incident = await opened(engine, ladder)
        await incident.result()
        paged = await incident.events(PeoplePaged)
    assert [event.people for event in paged] == [(on_call(event.at),) for event in paged]
    assert [event.roles for event in paged] == [("rota daily",)] * 2
    assert paged[0].people != paged[1].people


async def test_the_levels_are_gone_through_as_often_as_the_policy_says(skipping: Client) -> None:
    async with running(skipping) as engine:
        incident = await opened(engine, policy({"page": ["on_call"]}, {"people": ["bob"]}, loops=3))
        await incident.result()
        paged = await incident.events(PeoplePaged)
        (ended,) = await incident.events(LadderEnded)
    assert levels(paged) == [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2)]
    assert round((ended.at - paged[0].at) / timedelta(minutes=1)) == 30


async def test_a_level_outside_its_hours_is_passed_over_at_once_and_that_is_said(skipping: Client) -> None:
    async with running(skipping) as engine:
        engine.calendars["office"] = NEVER
        incident = await opened(engine, policy({"page": ["on_call"], "hours": "office"}, {"people": ["bob"]}))
        await incident.result()
        (passed,) = await incident.events(LevelPassedOver)
        (paged,) = await incident.events(PeoplePaged)
    assert (passed.level, passed.why) == (1, "it is outside the hours of office")
    assert (paged.level, paged.people) == (2, ("Bob",))
    assert paged.at - passed.at < timedelta(seconds=30)


@pytest.mark.parametrize("loops", [1, 5])
async def test_a_round_that_was_for_nobody_ends_the_ladder_with_its_reason(
    skipping: Client, loops: int
) -> None:
    async with running(skipping) as engine:
        engine.calendars["office"] = NEVER
        night = policy({"page": ["on_call"], "hours": "office"}, loops=loops, unanswered="abort")
        incident = await opened(engine, night)
        summary = await incident.result()
        passed = await incident.events(LevelPassedOver)
        (ended,) = await incident.events(LadderEnded)
        (silent,) = await incident.events(StepTimedOut)
        paged = await incident.events(PeoplePaged)
    assert (len(passed), ended.why, ended.move, silent.move) == (
        1,
        "no level was for anybody",
        "abort",
        "abort",
    )
    assert summary.outcome is IncidentOutcome.ABORTED
    assert paged == []


async def test_a_level_pages_on_further_channels_and_one_that_fails_keeps_no_other_back(
    skipping: Client,
) -> None:
    async with running(skipping) as engine:
        engine.world.pager.unreachable = True
        both = policy({"page": ["on_call"], "via": ["pager"]}, {"people": ["bob"]})
        incident = await opened(engine, both)
        await incident.result()
        paged = await incident.events(PeoplePaged)
        (failed,) = await incident.events(MessageFailed)
    assert [(event.level, event.channel) for event in paged] == [(1, ""), (2, "")]
    assert (failed.channel, failed.audience) == ("pager", "on_call")


async def test_what_was_paged_on_one_channel_is_not_paged_again_while_another_is_tried_again(
    skipping: Client,
) -> None:
    async with running(skipping) as engine:
        engine.world.pager.fail_times = 3
        incident = await opened(engine, policy({"page": ["on_call"], "via": ["pager"]}))
        await incident.result()
        paged = await incident.events(PeoplePaged)
        called = [[person.name for person in people] for people in engine.world.channel.called if people]
    assert sorted(event.channel for event in paged) == ["", "pager"]
    assert called == [["Alice"]]
    assert len(engine.world.pager.called) == 1


async def test_a_rota_that_fails_keeps_nobody_else_from_being_called_and_is_on_the_timeline(
    skipping: Client,
) -> None:
    async with running(skipping) as engine:
        engine.rotas["down"] = PagerDutySchedule("P1", "t", timedelta(seconds=1), "http://127.0.0.1:9")
        incident = await opened(engine, policy({"rotas": ["down"], "people": ["bob"]}))
        await incident.result()
        (paged,) = await incident.events(PeoplePaged)
    assert paged.people == ("Bob",)
    assert paged.unreached[0].startswith("rota down: PagerDuty schedule P1 did not answer")
    assert "(not reached: rota down" in paged.line


async def test_a_hold_does_not_stop_the_ladder_and_an_acknowledgement_does(
    server: WorkflowEnvironment, waiting: Client
) -> None:
    async with running(waiting) as engine:
        ladder = policy({"page": ["on_call"]}, {"people": ["bob"]}, {"people": ["carol"]})
        incident = await opened(engine, ladder)
        await incident.asked(Action.ACKNOWLEDGE)
        await incident.act("alice", Action.HOLD, reason="let me look")
        await incident.asked(Action.RESUME)
        await server.fast_forward(incident.handle, timedelta(minutes=6))
        view = await incident.until(lambda view: _paged_by_policy(view.timeline) == 2)
        await incident.act("bob", Action.ACKNOWLEDGE)
        await server.fast_forward(incident.handle, timedelta(minutes=20))
        paged = await incident.events(PeoplePaged)
        await incident.act("bob", Action.RESUME)
        await incident.result()
    assert view.summary.phase is Phase.HELD
    assert levels(paged) == [(1, 1), (1, 2)]


def _paged_by_policy(timeline: tuple[object, ...]) -> int:
    return sum(isinstance(event, PeoplePaged) and bool(event.policy) for event in timeline)


async def test_a_step_that_is_resumed_goes_on_with_its_ladder_and_begins_none_anew(
    server: WorkflowEnvironment, waiting: Client
) -> None:
    async with running(waiting) as engine:
        incident = await opened(engine, policy({"page": ["on_call"], "wait": "1h"}, {"people": ["bob"]}))
        await incident.until(lambda view: _paged_by_policy(view.timeline) == 1)
        await incident.act("alice", Action.HOLD, reason="let me look")
        await incident.asked(Action.RESUME)
        await incident.act("alice", Action.RESUME)
        await incident.until(lambda view: sum(isinstance(e, StepStarted) for e in view.timeline) == 3)
        await server.fast_forward(incident.handle, timedelta(hours=2))
        await incident.result()
        paged = await incident.events(PeoplePaged)
        ended = await incident.events(LadderEnded)
    assert levels(paged) == [(1, 1), (1, 2)]
    assert len(ended) == 1


async def test_a_step_that_is_skipped_takes_its_ladder_with_it(
    server: WorkflowEnvironment, waiting: Client
) -> None:
    async with running(waiting) as engine:
        engine.world.check.passes = False
        steps = (DETECT, {**ESCALATE, "within": "3d"}, CHECK, POSTMORTEM)
        ladder = policy({"page": ["on_call"]}, {"people": ["carol"]})
        incident = await engine.open(playbook(*steps, escalation=ladder, **CALM))
        await incident.until(lambda view: _paged_by_policy(view.timeline) == 1)
        await incident.act("alice", Action.SKIP, reason="all are here")
        await incident.asked(Action.RETRY)
        await server.fast_forward(incident.handle, timedelta(minutes=20))
        paged = await incident.events(PeoplePaged)
        view = await incident.view()
        await incident.act("bob", Action.ABORT, reason="enough")
        await incident.result()
    assert levels(paged) == [(1, 1)]
    assert not any(Action.ACKNOWLEDGE in ask.actions for ask in view.asks)


@pytest.mark.parametrize(
    ("unanswered", "outcome"),
    [("proceed", IncidentOutcome.UNVERIFIED), ("abort", IncidentOutcome.ABORTED)],
)
async def test_what_silence_means_is_said_by_the_policy_before_the_step(
    skipping: Client, unanswered: str, outcome: IncidentOutcome
) -> None:
    async with running(skipping) as engine:
        silent = policy({"page": ["on_call"]}, unanswered=unanswered)
        incident = await opened(engine, silent, step={"on_timeout": "hold"})
        summary = await incident.result()
        (ended,) = await incident.events(LadderEnded)
        (timed_out,) = await incident.events(StepTimedOut)
    assert (ended.move, timed_out.move, summary.outcome) == (unanswered, unanswered, outcome)


@pytest.mark.parametrize("unanswered", ["hold", "escalate"])
async def test_silence_on_a_ladder_beside_the_steps_holds_them_where_the_policy_says_so(
    server: WorkflowEnvironment, waiting: Client, unanswered: str
) -> None:
    async with running(waiting) as engine:
        silent = policy({"people": ["dave"]}, unanswered=unanswered)
        incident = await engine.open(playbook(DETECT, ESCALATE, TIDY, POSTMORTEM, escalation=silent))
        await incident.until(lambda view: _paged_by_policy(view.timeline) == 1)
        await server.fast_forward(incident.handle, timedelta(minutes=6))
        view = await incident.asked(Action.RESUME)
        (held,) = await incident.events(Held)
        paged = await incident.events(PeoplePaged)
        await incident.end()
    assert view.held == "escalation policy model ended without an answer"
    assert held.by == "the escalation policy"
    assert any("Dave" in event.people for event in paged if not event.policy) == (unanswered == "escalate")


@pytest.mark.parametrize("beside", [False, True], ids=["for which its step waits", "beside the steps"])
async def test_a_person_who_holds_decides_and_not_a_ladder_that_ends_meanwhile(
    server: WorkflowEnvironment, waiting: Client, *, beside: bool
) -> None:
    async with running(waiting) as engine:
        silent = policy({"page": ["on_call"]}, unanswered="abort")
        authority = {"rules": rules("auto" if beside else "ack")}
        steps = (DETECT, {**ESCALATE, "within": "3d"}, TIDY, POSTMORTEM)
        incident = await engine.open(playbook(*steps, escalation=silent, **authority))
        await incident.asked(Action.TICK if beside else Action.ACKNOWLEDGE)
        await incident.act("alice", Action.HOLD, reason="let me look")
        await incident.asked(Action.RESUME)
        await server.fast_forward(incident.handle, timedelta(minutes=10))
        view = await incident.until(lambda view: any(isinstance(e, LadderEnded) for e in view.timeline))
        await incident.end()
    assert (view.summary.phase, view.summary.outcome) == (Phase.HELD, IncidentOutcome.OPEN)


async def test_who_owns_what_still_fires_is_called_anew_with_whoever_is_on_call_then(
    server: WorkflowEnvironment, waiting: Client
) -> None:
    async with running(waiting) as engine:
        engine.rotas["daily"] = daily(*DAILY)
        engine.world.check.passes = False
        ladder = policy({"rotas": ["daily"], "wait": "5h"}, repage="1d")
        steps = (DETECT, {**ESCALATE, "within": "3d"}, CHECK, POSTMORTEM)
        incident = await engine.open(playbook(*steps, escalation=ladder, **CALM))
        await incident.until(lambda view: _paged_by_policy(view.timeline) == 1)
        await incident.act("alice", Action.ACKNOWLEDGE)
        await incident.asked(Action.RETRY)
        await server.fast_forward(incident.handle, timedelta(hours=25))
        view = await incident.until(lambda view: _paged_by_policy(view.timeline) == 2)
        await incident.act("bob", Action.ACKNOWLEDGE)
        again = await incident.view()
        await incident.end()
    paged = [event for event in view.timeline if isinstance(event, PeoplePaged) and event.policy]
    (lapsed,) = [event for event in view.timeline if isinstance(event, AcknowledgementLapsed)]
    assert (view.acknowledged_by, lapsed.by, again.acknowledged_by) == ("", "Alice", "Bob")
    assert [event.people for event in paged] == [(on_call(event.at),) for event in paged]
    assert paged[0].people != paged[1].people
    assert [event.level for event in paged] == [1, 1]


async def test_what_does_not_fire_any_more_calls_nobody_anew(
    server: WorkflowEnvironment, waiting: Client
) -> None:
    async with running(waiting) as engine:
        ladder = policy({"page": ["on_call"]}, repage="30m")
        incident = await engine.open(
            playbook(DETECT, ESCALATE, TIDY, POSTMORTEM, escalation=ladder, **CALM), alert("ProviderDown")
        )
        await incident.until(lambda view: _paged_by_policy(view.timeline) == 1)
        await incident.act("alice", Action.ACKNOWLEDGE)
        await incident.asked(Action.TICK)
        await incident.handle.signal("alert", alert("ProviderDown", status="resolved"))
        await server.fast_forward(incident.handle, timedelta(hours=3))
        await incident.act("alice", Action.TICK, item=1)
        await incident.result()
        lapsed = await incident.events(AcknowledgementLapsed)
    assert lapsed == []
