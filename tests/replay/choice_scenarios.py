"""The scenarios of people's choices whose histories are kept: another plan, the way back, everything off."""

from __future__ import annotations

from adapters.memory import MemoryTarget
from adapters.memory_sets import MemoryPart
from backout.people import Action
from backout.view import IncidentOutcome
from tests.replay.revert_scenarios import another, first_soak_lasts
from tests.replay.scenarios import Scenario
from tests.workflows.engine import Engine, Incidents, alert
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, VERIFY, playbook, rules
from tests.workflows.rolled import LOOKS
from tests.workflows.test_alternatives import CHOICE, ROLES, vote
from tests.workflows.test_come_back import HOLDS
from tests.workflows.test_come_back import ROLES as MAY_COME_BACK
from tests.workflows.test_go_further import FURTHER

APPROVED = rules("approve", approve_by=["commander", "product"])


def _alternatives(engine: Engine) -> None:
    place = {(engine.world.service, engine.world.release): 100}
    engine.targets["guardrail"] = MemoryPart(engine.world.clock, place)
    engine.targets["tools"] = MemoryTarget(engine.world.clock, place)


async def milder_then_further(_: Engine, incident: Incidents) -> None:
    """Try something milder; users do not recover by it, so authorise the revert."""
    await incident.asked(Action.APPROVE)
    await vote(incident, "bob", "strict")
    await incident.until(lambda view: view.asks and any(e.event == "StepFailed" for e in view.timeline))
    await incident.act("bob", Action.APPROVE)


async def all_rejected_then_emergency(engine: Engine, incident: Incidents) -> None:
    """Reject whatever is offered, look again, and take everything off while that waits for an answer."""
    await incident.asked(Action.APPROVE)
    for name in ("revert", "strict", "no-tools"):
        await vote(incident, "bob", name, Action.REJECT)
    await incident.asked(Action.RESUME)
    await incident.act("bob", Action.RESUME)
    await incident.asked(Action.APPROVE)
    other = await another(engine)
    await incident.act("bob", Action.EMERGENCY, reason="it harms people")
    await incident.result()
    await other.end()


async def _recovered(engine: Engine, incident: Incidents, *, soaks: int) -> None:
    """Let users recover after so many soaks in which they did not; the revert is held there."""
    clock = engine.world.clock
    await clock.reached(1)
    clock.go_on(times=soaks * LOOKS)
    await clock.reached(soaks * LOOKS + 1)
    engine.world.heal()
    await incident.handle.signal("alert", alert("ProviderDown", status="resolved"))
    clock.go_on()
    await incident.asked(Action.COME_BACK)


async def comes_back(engine: Engine, incident: Incidents) -> None:
    """Bring the exposure back once users recovered at the second stage."""
    await _recovered(engine, incident, soaks=1)
    await incident.act("bob", Action.COME_BACK, reason="it was the provider")


async def turns_back(engine: Engine, incident: Incidents) -> None:
    """Bring it back where nothing can be seen, and again where the release answers badly."""
    await _recovered(engine, incident, soaks=1)
    engine.world.source.blind = True
    await incident.act("bob", Action.COME_BACK, reason="it was the provider")
    await incident.until(lambda view: "nothing shows" in view.held and view.asks)
    engine.world.source.blind = False
    engine.world.sicken()
    await incident.act("bob", Action.COME_BACK, reason="the source was down")


SCENARIOS = {
    "milder-then-further": Scenario(
        playbook(DETECT, CHOICE, FURTHER, POSTMORTEM, roles=ROLES, rules=APPROVED),
        milder_then_further,
        IncidentOutcome.RECOVERED,
        reverts=(1, 2),
        prepare=_alternatives,
        alert="ProviderDown",
    ),
    "all-rejected-then-emergency": Scenario(
        playbook(DETECT, CHOICE, POSTMORTEM, roles=ROLES, rules=APPROVED),
        all_rejected_then_emergency,
        IncidentOutcome.UNVERIFIED,
        reverts=(1,),
        prepare=_alternatives,
        alert="ProviderDown",
    ),
    "recovered-then-brought-back": Scenario(
        playbook(DETECT, {**REVERT, **HOLDS}, VERIFY, POSTMORTEM, roles=MAY_COME_BACK),
        comes_back,
        IncidentOutcome.RECOVERED,
        reverts=(1, 2),
        prepare=first_soak_lasts,
        alert="ProviderDown",
    ),
    "brought-back-then-turned-back": Scenario(
        playbook(DETECT, {**REVERT, **HOLDS}, VERIFY, POSTMORTEM, roles=MAY_COME_BACK),
        turns_back,
        IncidentOutcome.RECOVERED,
        reverts=(1, 2, 3),
        prepare=first_soak_lasts,
        alert="ProviderDown",
    ),
}
"""Each by its name."""
