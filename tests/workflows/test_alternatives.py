"""Revert or adjust: whoever approves chooses among plans, each with its own code, and one is carried out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from temporalio.client import Client

from adapters.memory import MemoryTarget
from adapters.memory_sets import MemoryPart
from backout.people import Action
from backout.postmortem import facts
from backout.timeline import ActionTaken
from backout.timeline_decisions import ApprovalAsked
from backout.timeline_plans import PlanChosen
from backout.timeline_quarantine import ReleaseQuarantined
from backout.view import Ask, IncidentOutcome, Phase
from tests.workflows.engine import Engine, Incidents, alert, running
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, RIGHTS, VERIFY, playbook, rules
from tests.workflows.test_people import percents

ROLES: dict[str, Any] = {
    "on_call": {"may": RIGHTS},
    "commander": {"may": [*RIGHTS, "approve", "reject", "emergency"]},
    "product": {"may": ["approve", "reject", "note"]},
    "platform": {"may": ["note"]},
}
STRICT = {
    "name": "strict",
    "about": "the strict guardrail for everybody",
    "targets": [{"target": "guardrail"}],
}
NO_TOOLS = {
    "name": "no-tools",
    "about": "answers without tools",
    "targets": [{"target": "tools"}],
    "stages": [50, 0],
}
CHOICE = {**REVERT, "alternatives": [STRICT, NO_TOOLS]}
KINDS = ("approve", "approve/strict", "approve/no-tools")


class Choosing:
    """An incident that offers the revert and two alternatives, and the targets of these."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        place = {(engine.world.service, engine.world.release): 100}
        self.guardrail = MemoryPart(engine.world.clock, place)
        self.tools = MemoryTarget(engine.world.clock, place)
        engine.targets |= {"guardrail": self.guardrail, "tools": self.tools}

    async def open(self, *behind: dict[str, Any], quorum: int = 1, **changes: Any) -> Incidents:  # noqa: ANN401
        """Open the incident, and wait until people are asked."""
        asking = {"rules": rules("approve", quorum=quorum, approve_by=["commander", "product"])}
        book = playbook(DETECT, CHOICE, *behind, POSTMORTEM, **({"roles": ROLES} | asking | changes))
        incident = await self.engine.open(book, alert("ProviderDown"))
        await incident.asked(Action.APPROVE)
        return incident

    @property
    def changed(self) -> dict[str, list[int]]:
        """What each target was set to."""
        targets = {"exposure": self.engine.world.target, "guardrail": self.guardrail, "tools": self.tools}
        return {name: [one.percent for one in target.changes] for name, target in targets.items()}


@asynccontextmanager
async def choosing(client: Client) -> AsyncIterator[Choosing]:
    async with running(client) as engine:
        yield Choosing(engine)


async def asks(incident: Incidents) -> dict[str, Ask]:
    """Return what is asked, by what it is about."""
    found = (await incident.view()).asks
    names = {"strict": "strict", "no-tools": "no-tools", "Revert": "revert"}
    return {names[next(word for word in names if word in ask.headline)]: ask for ask in found}


async def vote(incident: Incidents, person: str, name: str, action: Action = Action.APPROVE) -> str:
    """Let a person vote on one of the plans."""
    subject = (await asks(incident))[name].subject
    return (await incident.act(person, action, subject=subject, reason="I have read it")).text


async def test_each_plan_is_asked_for_at_the_same_time_under_its_own_code(waiting: Client) -> None:
    async with choosing(waiting) as world:
        incident = await world.open()
        found = await asks(incident)
        asked = await incident.events(ApprovalAsked)
        await incident.end()
    assert len({ask.code for ask in found.values()}) == 3
    assert [ask.headline for ask in found.values()] == [
        "Revert r2 on exposure: 50 % -> 10 % -> 0 %, soak 2m, because of critical",
        (
            "Instead of the revert, strict (the strict guardrail for everybody) on guardrail: 0 %, "
            "soak 2m, because of critical"
        ),
        (
            "Instead of the revert, no-tools (answers without tools) on tools: 50 % -> 0 %, "
            "soak 2m, because of critical"
        ),
    ]
    assert len(asked) == 3


async def test_the_one_that_is_authorised_first_is_carried_out_and_no_other(waiting: Client) -> None:
    async with choosing(waiting) as world:
        incident = await world.open()
        await vote(incident, "bob", "no-tools")
        summary = await incident.result()
        (chosen,) = await incident.events(PlanChosen)
        quarantined = await incident.events(ReleaseQuarantined)
        view = await incident.view()
    assert world.changed == {"exposure": [], "guardrail": [], "tools": [50, 0]}
    assert chosen.line == "Chosen: no-tools, by Bob; not chosen: revert, strict"
    assert facts(view).plans == (chosen,)
    assert quarantined == []
    assert summary.outcome is IncidentOutcome.UNVERIFIED


async def test_an_alternative_counts_as_done_for_the_verification(waiting: Client) -> None:
    async with choosing(waiting) as world:
        incident = await world.open(VERIFY)
        world.engine.world.heal()
        await vote(incident, "bob", "strict")
        summary = await incident.result()
    assert world.changed["exposure"] == []
    assert summary.outcome is IncidentOutcome.RECOVERED


async def test_the_quorum_is_for_one_plan_and_votes_are_not_added_up(waiting: Client) -> None:
    async with choosing(waiting) as world:
        incident = await world.open(quorum=2)
        assert await vote(incident, "bob", "strict") == "approval 1 of 2"
        assert await vote(incident, "carol", "revert") == "approval 1 of 2"
        assert world.changed == {"exposure": [], "guardrail": [], "tools": []}
        assert await vote(incident, "bob", "revert") == "approval 2 of 2: authorised"
        await incident.result()
        (chosen,) = await incident.events(PlanChosen)
        votes = [event.detail for event in await incident.events(ActionTaken)]
    assert votes == [
        "strict: approval 1 of 2",
        "revert: approval 1 of 2",
        "revert: approval 2 of 2: authorised",
    ]
    assert world.changed == {"exposure": [50, 10, 0], "guardrail": [], "tools": []}
    assert (chosen.chosen, chosen.by) == ("revert", ("Carol", "Bob"))


async def test_two_that_are_authorised_at_the_same_moment_are_one_choice(waiting: Client) -> None:
    async with choosing(waiting) as world:
        incident = await world.open()
        plans = await asks(incident)
        await asyncio.gather(
            incident.act("bob", Action.APPROVE, subject=plans["strict"].subject),
            incident.act("carol", Action.APPROVE, subject=plans["no-tools"].subject),
            return_exceptions=True,
        )
        await incident.result()
        assert len(await incident.events(PlanChosen)) == 1
    done = [name for name, levels in world.changed.items() if levels]
    assert len(done) == 1


async def test_a_rejection_takes_away_that_plan_alone(waiting: Client) -> None:
    async with choosing(waiting) as world:
        incident = await world.open()
        told = await vote(incident, "bob", "strict", Action.REJECT)
        assert told == "rejected; the others still wait; the incident is held once none is left"
        assert set(await asks(incident)) == {"revert", "no-tools"}
        await vote(incident, "bob", "revert", Action.REJECT)
        assert set(await asks(incident)) == {"no-tools"}
        assert (await incident.view()).summary.phase is Phase.REVERT
        await vote(incident, "carol", "no-tools")
        await incident.result()
    assert world.changed == {"exposure": [], "guardrail": [], "tools": [50, 0]}


async def test_where_all_are_rejected_the_incident_is_held_and_a_resume_asks_for_all_again(
    waiting: Client,
) -> None:
    async with choosing(waiting) as world:
        incident = await world.open()
        for name in ("revert", "strict", "no-tools"):
            await vote(incident, "bob", name, Action.REJECT)
        view = await incident.asked(Action.RESUME)
        assert view.held == "; ".join(
            f"{name} rejected by Bob: I have read it" for name in ("revert", "strict", "no-tools")
        )
        taken = [event.line for event in view.timeline if isinstance(event, ActionTaken)]
        assert taken[1] == "Bob (commander, via cli): reject (strict): I have read it"
        await incident.act("bob", Action.RESUME)
        await incident.asked(Action.APPROVE)
        assert set(await asks(incident)) == {"revert", "strict", "no-tools"}
        await incident.end()
    assert world.changed == {"exposure": [], "guardrail": [], "tools": []}


async def test_silence_is_the_step_s(skipping: Client) -> None:
    async with choosing(skipping) as world:
        book = playbook(DETECT, CHOICE | {"on_timeout": "abort"}, POSTMORTEM, rules=rules("approve"))
        incident = await world.engine.open(book)
        assert (await incident.result()).outcome is IncidentOutcome.ABORTED
    assert world.changed == {"exposure": [], "guardrail": [], "tools": []}


async def test_what_needs_no_approval_is_the_revert_and_that_is_told(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await engine.open(playbook(DETECT, CHOICE, POSTMORTEM), alert("ProviderDown"))
        await incident.result()
        (chosen,) = await incident.events(PlanChosen)
    assert percents(engine) == [50, 10, 0]
    assert chosen.line == (
        "Chosen: revert, by the rule itself, which asks nobody; not chosen: strict, no-tools"
    )


async def test_one_that_fails_is_tried_again_by_resume_and_given_up_by_retry(waiting: Client) -> None:
    async with choosing(waiting) as world:
        incident = await world.open()
        world.guardrail.refuses_below = 50
        await vote(incident, "bob", "strict")
        await incident.asked(Action.RESUME)
        await incident.act("bob", Action.RESUME)
        await incident.until(lambda view: sum(e.event == "StepFailed" for e in view.timeline) == 2)
        await incident.asked(Action.RETRY)
        await incident.act("bob", Action.RETRY)
        await incident.asked(Action.APPROVE)
        assert set(await asks(incident)) == {"revert"}
        await vote(incident, "bob", "revert")
        await incident.result()
    assert world.changed == {"exposure": [50, 10, 0], "guardrail": [], "tools": []}


async def test_an_emergency_while_people_choose_takes_the_release_off(waiting: Client) -> None:
    async with choosing(waiting) as world:
        incident = await world.open()
        await incident.act("bob", Action.EMERGENCY, reason="now")
        await incident.result()
    assert world.changed == {"exposure": [0], "guardrail": [], "tools": []}


async def test_an_emergency_in_an_alternative_takes_the_release_off(waiting: Client) -> None:
    async with choosing(waiting) as world:
        incident = await world.open()
        world.engine.world.clock.pause()
        await vote(incident, "bob", "no-tools")
        await incident.until(lambda _: world.changed["tools"] == [50])
        await incident.act("bob", Action.EMERGENCY, reason="now")
        await incident.until(lambda view: view.summary.exposure == 0)
        world.engine.world.clock.go_on()
        await incident.result()
    assert world.changed == {"exposure": [0], "guardrail": [], "tools": [50]}
