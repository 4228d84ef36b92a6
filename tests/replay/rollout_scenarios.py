"""The scenarios of rollouts whose histories are kept: what stops a release on its way up."""

from __future__ import annotations

from backout.people import Action
from backout.view import IncidentOutcome
from tests.replay.scenarios import Scenario
from tests.workflows.engine import Engine, Incidents
from tests.workflows.rolled import LOOKS, going_up
from tests.workflows.test_rollouts_give_way import an_incident


def _well_until_half_have_it(engine: Engine) -> None:
    engine.world.heal()
    engine.world.clock.pause()
    engine.world.clock.go_on(times=LOOKS)


def _unseen(engine: Engine) -> None:
    engine.world.heal()
    engine.world.source.blind = True


async def approved(_: Engine, rollout: Incidents) -> None:
    """Let one person say that it may go up."""
    await rollout.asked(Action.APPROVE)
    await rollout.act("bob", Action.APPROVE)


async def sickens(engine: Engine, rollout: Incidents) -> None:
    """Let it answer badly once half of the users meet it, try to go on all the same, and end it."""
    await approved(engine, rollout)
    await rollout.until(lambda view: view.summary.exposure == 50)
    engine.world.sicken(candidate=0.6)
    engine.world.clock.go_on()
    await rollout.asked(Action.ABORT)
    await rollout.act("bob", Action.RESUME)
    await rollout.until(lambda view: "the rollout turned back, and is over" in view.held and view.asks)
    await rollout.act("bob", Action.ABORT, reason="back to the workshop")


async def gives_way(engine: Engine, rollout: Incidents) -> None:
    """Go on once the source is back, then let an incident begin on the same release, and end."""
    world = engine.world
    await approved(engine, rollout)
    await rollout.until(lambda view: view.held.startswith("nothing shows") and view.asks)
    world.source.blind = False
    world.clock.pause()
    world.clock.go_on(times=LOOKS)
    await rollout.act("bob", Action.RESUME)
    await rollout.until(lambda view: view.summary.exposure == 50)
    incident = await an_incident(engine, name="SomethingElse")
    await rollout.until(lambda view: "goes first" in view.held and view.asks)
    await rollout.act("bob", Action.RESUME)
    await rollout.until(lambda view: "resume once it is over" in view.held and view.asks)
    await incident.end()
    world.clock.go_on()
    await rollout.act("bob", Action.RESUME)


SCENARIOS = {
    "rollout-turned-back": Scenario(
        going_up(),
        sickens,
        IncidentOutcome.TURNED_BACK,
        reverts=(1,),
        prepare=_well_until_half_have_it,
        goes_up=True,
    ),
    "rollout-undecided-then-gives-way": Scenario(
        going_up(),
        gives_way,
        IncidentOutcome.RELEASED,
        reverts=(1, 2, 3),
        prepare=_unseen,
        goes_up=True,
    ),
}
"""Each by its name."""
