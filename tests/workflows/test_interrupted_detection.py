"""Detection that alerts or people interrupt goes on with everything that it had, and was to have."""

from __future__ import annotations

from typing import Any

from temporalio.client import Client

from adapters.memory import MemoryWorld
from backout.people import Action
from backout.timeline import SignalsJudged
from tests.workflows.engine import Incidents, alert, running, unfair
from tests.workflows.playbooks import DETECT, GAP, POSTMORTEM, REVERT, playbook

BOTH: list[dict[str, Any]] = [
    {"id": "both", "authority": "auto", "when": {"at_least": 2, "of": ["error_rate", "provider"]}}
]
"""A rule that takes an alert beside a signal."""


async def observed(incident: Incidents) -> int:
    """Return how often the engine was asked to watch."""
    scheduled = [event.activity_task_scheduled_event_attributes async for event in _history(incident)]
    return sum(one.activity_type.name == "observe" for one in scheduled)


def _history(incident: Incidents) -> Any:  # noqa: ANN401  # the engine's own events
    return incident.handle.fetch_history_events()


async def test_an_alert_that_comes_while_the_past_is_weighed_does_not_make_it_forgotten(
    waiting: Client,
) -> None:
    detect = {**DETECT, "look_back": "1h"}
    world = MemoryWorld()
    world.source.pause()
    async with running(waiting, world) as engine:
        incident = await engine.open(playbook(detect, REVERT, POSTMORTEM, rules=BOTH))
        await world.source.reached(1)
        world.source.knows_history = False
        await incident.handle.signal("alert", alert("ProviderDown", fingerprint="f2"))
        await world.source.reached(2)
        world.source.go_on()
        await incident.result()
        judged = await incident.events(SignalsJudged)
    assert any("no history of source metrics" in note for note in judged[0].evaluation.not_counted)


async def test_a_storm_of_one_alert_stops_the_watch_once(waiting: Client) -> None:
    world = MemoryWorld()
    world.heal()
    world.clock.pause()
    async with running(waiting, world) as engine:
        incident = await engine.open(playbook(DETECT, REVERT, POSTMORTEM, rules=BOTH))
        await world.clock.reached(1)
        for number in range(1, 4):
            await incident.handle.signal("alert", alert("ProviderDown", fingerprint=f"storm-{number}"))
            await world.clock.reached(2)
            await incident.until(lambda view: view.summary.alerts > number)  # noqa: B023  # it is awaited here
        world.clock.go_on()
        await incident.asked(Action.RESUME)
        watches = await observed(incident)
        await incident.end()
    assert watches == 2


async def test_a_revert_that_is_tried_again_after_an_investigation_still_takes_two_roles(
    waiting: Client,
) -> None:
    detect = {**DETECT, "on_timeout": "proceed"}
    async with running(waiting, unfair(MemoryWorld())) as engine:
        incident = await engine.open(playbook(detect, REVERT, POSTMORTEM, **GAP))
        await incident.asked(Action.RESUME)
        await incident.act("alice", Action.RESUME)
        await incident.asked(Action.APPROVE)
        await incident.act("bob", Action.REJECT, reason="not yet")
        await incident.asked(Action.RETRY)
        await incident.act("bob", Action.RETRY)
        view = await incident.asked(Action.APPROVE)
        await incident.end()
    assert (view.asks[0].quorum, view.asks[0].roles_needed) == (2, 2)
