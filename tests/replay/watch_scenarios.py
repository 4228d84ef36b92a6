"""The scenarios of watches whose histories are kept, each played on a real engine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from temporalio.client import WorkflowHistory
from temporalio.testing import WorkflowEnvironment

from backout.playbook import Playbook
from tests.replay.recording import place_for, runs_of
from tests.workflows.engine import running
from tests.workflows.guarding import STAYS_OPEN, Watched, a_world, firings, guarded, holding_on_blindness
from tests.workflows.playbooks import playbook

Play = Callable[[Watched], Awaitable[None]]


@dataclass(frozen=True)
class WatchScenario:
    """What may become of a watched release."""

    playbook: Playbook
    play: Play
    workflows: tuple[str, ...] = ("watch",)
    """What its histories are called."""
    exposure: int = 100
    long_after: int | None = None
    """After so many events a history is long, and the watch goes on in a fresh one."""


async def fires_twice(watched: Watched) -> None:
    """Turn bad, so that the incident opens; be well for hours, and turn bad again while it is open."""
    watched.world.sicken()
    watched.world.clock.go_on()
    await watched.until(lambda view: view.state == "fired")
    watched.world.heal()
    await watched.until(lambda view: view.state == "watching")
    watched.world.sicken()
    await watched.until(lambda view: firings(view) == 2)
    await watched.incident.until(lambda view: view.summary.alerts)


async def goes_blind_without_traffic(watched: Watched) -> None:
    """Lose the source while the release has no traffic; then get traffic."""
    watched.world.source.blind = True
    await watched.ticks(12)
    await watched.until(lambda view: view.transitions and view.transitions[-1].evaluation.blind)
    watched.world.target.put(service=watched.world.service, release=watched.world.release, percent=10)
    watched.world.clock.go_on()
    await watched.until(lambda view: view.incident)


async def loses_its_source_and_follows(watched: Watched) -> None:
    """Go on by a playbook whose source nobody knows, and then by the first one again."""
    book = holding_on_blindness()
    nowhere = book.signals["errors"].model_copy(update={"source": "nowhere"})
    await watched.follow(book.model_copy(update={"signals": {"errors": nowhere}, "version": 4}))
    await watched.until(lambda view: view.trouble and view.incident)
    await watched.follow(book)
    watched.world.clock.go_on()
    await watched.until(lambda view: not view.trouble)


async def sees_and_goes_blind(watched: Watched) -> None:
    """Change its mind until its history is long."""
    for is_blind in (True, False, True):
        watched.world.source.blind = is_blind
        await watched.ticks(12)


SCENARIOS = {
    "watch-fires-twice": WatchScenario(playbook(*STAYS_OPEN), fires_twice),
    "watch-goes-blind": WatchScenario(holding_on_blindness(), goes_blind_without_traffic, exposure=0),
    "watch-without-its-source": WatchScenario(holding_on_blindness(), loses_its_source_and_follows),
    "watch-in-a-fresh-history": WatchScenario(
        playbook(*STAYS_OPEN), sees_and_goes_blind, ("watch", "watch-carried-over"), long_after=25
    ),
}


async def recorded(
    server: WorkflowEnvironment, name: str, scenario: WatchScenario
) -> dict[str, WorkflowHistory]:
    """Play a scenario until its release is retired; return the history of each of its workflows."""
    world = a_world(release=name, exposure=scenario.exposure)
    async with (
        place_for(scenario.long_after, server) as environment,
        running(environment.client, world) as engine,
    ):
        with environment.with_time_skipping_disabled():
            watched = await guarded(engine, scenario.playbook)
            await watched.ticks(12)
            await watched.until(lambda view: view.state == "watching")
            await scenario.play(watched)
            await watched.retire()
            await watched.ended()
            if await watched.incident_runs():
                await watched.incident.end()
        histories = await runs_of(environment.client, watched.handle.id)
    return dict(zip(scenario.workflows, histories, strict=True))
