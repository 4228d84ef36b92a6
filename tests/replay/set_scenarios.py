"""The scenarios of release sets whose histories are kept: several targets, brought down or up as one."""

from __future__ import annotations

from typing import Any

from adapters.memory import MemoryCheck, MemoryTarget
from adapters.memory_probes import MemoryProbe
from adapters.memory_sets import MemoryPart
from backout.people import Action
from backout.probes import Way
from backout.timeline_exposure import ExposureSet, RevertStopped, StagePutBack
from backout.view import IncidentOutcome
from tests.replay.rollout_scenarios import approved
from tests.replay.scenarios import Scenario, nobody_acts
from tests.workflows.engine import Engine, Incidents
from tests.workflows.playbooks import DETECT, MANUAL, POSTMORTEM, VERIFY, playbook
from tests.workflows.release_sets import SET, SetEngine
from tests.workflows.rolled import ROLLOUT, going_up
from tests.workflows.test_served import SERVED, SESSION

TWO = ({"target": "exposure"}, {"target": "index"})
BOUND = "3s"
"""How long the sets are mixed at most: so short that every target has the least time that there is."""
UNTIL_THE_LAG_IS_OVER: dict[str, Any] = {**MANUAL, "within": "31m", "on_timeout": "proceed"}
"""Nobody ticks it. Without a lag that is left, how long a run itself takes does not show."""
READY = {"target": "replicas", "checks": ["ready"], "within": "5s"}


def reverted(*behind: dict[str, Any], **changes: Any) -> Any:  # noqa: ANN401  # any field of the step
    """Return a playbook that reverts two targets as one."""
    return playbook(DETECT, SET | {"targets": TWO, "mixed_for": BOUND} | changes, *behind, POSTMORTEM)


def _three_targets(engine: Engine) -> None:
    SetEngine(engine, 100)


def _index(engine: Engine) -> MemoryPart:
    """Return the target whose writes can be made to fail."""
    index = engine.targets["index"]
    assert isinstance(index, MemoryPart)
    return index


def _with_capacity_and_sessions(engine: Engine) -> None:
    """Let the baseline have replicas, and let users' sessions stay where they began."""
    SetEngine(engine, 100)
    world = engine.world
    engine.targets["replicas"] = MemoryTarget(world.clock, {(world.service, "r1"): 10})
    engine.checks["ready"] = MemoryCheck("ready")
    for name, way in (("web", {}), ("app", SESSION)):
        engine.probes[name] = MemoryProbe(world.target, Way.model_validate(way), candidate=world.release)


def _index_refuses_the_second_stage(engine: Engine) -> None:
    SetEngine(engine, 100)
    _index(engine).refuses_below = 50


def _index_refuses_the_first_stage(engine: Engine) -> None:
    SetEngine(engine, 100)
    _index(engine).refuses_below = 60


def _index_takes_its_time(engine: Engine) -> None:
    """Let it be read, and its first write wait."""
    SetEngine(engine, 100)
    _index(engine).writes.pause()


def _nobody_meets_it_yet(engine: Engine) -> None:
    SetEngine(engine, 0)
    engine.world.heal()


async def resumed_once_it_is_mended(engine: Engine, incident: Incidents) -> None:
    """Mend the target that could not be pushed on, and go on."""
    await incident.asked(Action.RESUME)
    _index(engine).refuses_below = 0
    await incident.act("alice", Action.RESUME)


async def retried_once_it_is_mended(engine: Engine, incident: Incidents) -> None:
    """Mend the target for which the others were put back, and try again."""
    await incident.asked(Action.RETRY)
    _index(engine).refuses_below = 0
    await incident.act("bob", Action.RETRY)


async def stopped_in_a_stage(engine: Engine, incident: Incidents) -> None:
    """Hold while one target is there and the other is not, and leave it so until that is put back."""
    index = _index(engine)
    await incident.until(lambda view: any(isinstance(event, ExposureSet) for event in view.timeline))
    await index.writes.reached(1)
    await incident.act("alice", Action.HOLD, reason="stop now")
    await incident.until(lambda view: any(isinstance(event, RevertStopped) for event in view.timeline))
    index.writes.go_on()
    await incident.until(lambda view: any(isinstance(event, StagePutBack) for event in view.timeline))
    await incident.asked(Action.RESUME)
    await incident.act("bob", Action.RESUME)


SCENARIOS = {
    "set-reverted-and-served": Scenario(
        reverted(
            UNTIL_THE_LAG_IS_OVER,
            SERVED | {"probes": ["web", "app"]},
            targets=({"target": "exposure"}, {"target": "alias", "flips_at": 0}),
            capacity=READY,
            conversations="migrate",
        ),
        nobody_acts,
        IncidentOutcome.UNVERIFIED,
        reverts=(1,),
        prepare=_with_capacity_and_sessions,
        alert="ProviderDown",
        baseline="r1",
        silent=True,
    ),
    "set-pushed-on-then-put-back": Scenario(
        reverted(),
        resumed_once_it_is_mended,
        IncidentOutcome.UNVERIFIED,
        reverts=(1, 2),
        prepare=_index_refuses_the_second_stage,
        alert="ProviderDown",
    ),
    "set-put-back-then-retried": Scenario(
        reverted(on_target_failure="put_back", on_failure="escalate"),
        retried_once_it_is_mended,
        IncidentOutcome.UNVERIFIED,
        reverts=(2,),
        prepare=_index_refuses_the_first_stage,
        alert="ProviderDown",
    ),
    "set-stopped-in-a-stage": Scenario(
        reverted(),
        stopped_in_a_stage,
        IncidentOutcome.UNVERIFIED,
        reverts=(2,),
        prepare=_index_takes_its_time,
        alert="ProviderDown",
    ),
    "set-rolled-out": Scenario(
        going_up(
            {name: value for name, value in ROLLOUT.items() if name != "target"}
            | {"targets": [{"target": "exposure"}, {"target": "alias", "flips_at": 10}], "mixed_for": BOUND},
            VERIFY,
            {**POSTMORTEM, "template": "rollout"},
        ),
        approved,
        IncidentOutcome.RELEASED,
        reverts=(1,),
        prepare=_nobody_meets_it_yet,
        goes_up=True,
    ),
}
"""Each by its name."""
