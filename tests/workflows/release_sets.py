"""A chat service whose release is held by three targets: a flag, an index and a prompt's alias."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from temporalio.client import Client

from adapters.memory import Change, MemoryWorld
from adapters.memory_sets import MemoryPart, MemoryPointer
from backout.timeline_exposure import ExposureSet, StagePutBack
from tests.workflows.engine import Engine, Incidents, alert, running
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, playbook

PARTS = ({"target": "exposure"}, {"target": "index"}, {"target": "alias", "flips_at": 10})
SET = {name: value for name, value in REVERT.items() if name != "target"} | {
    "targets": PARTS,
    "mixed_for": "90s",
    "on_failure": "hold",
}
"""The step that reverts the set; the alias flips at 10 %."""
BOUND = timedelta(seconds=90)


class SetEngine:
    """A worker over the three targets."""

    def __init__(self, engine: Engine, at: int) -> None:
        self.engine = engine
        self.world = engine.world
        place = {(self.world.service, self.world.release): at}
        self.index = MemoryPart(self.world.clock, place)
        self.alias = MemoryPointer(self.world.clock, {next(iter(place)): 100 if at else 0})
        self.config = MemoryPart(self.world.clock, place)
        """A fourth, where a test wants to disturb two."""
        engine.targets |= {"index": self.index, "alias": self.alias, "config": self.config}

    @property
    def percents(self) -> dict[str, list[int]]:
        """What each target was set to, in order."""
        return {
            name: [change.percent for change in changes] for name, changes in self.changes.items() if changes
        }

    @property
    def changes(self) -> dict[str, list[Change]]:
        """The effects that each target really had."""
        targets = {
            "exposure": self.world.target,
            "index": self.index,
            "alias": self.alias,
            "config": self.config,
        }
        return {name: target.changes for name, target in targets.items()}

    @property
    def places(self) -> list[str]:
        """The keys of all effects, below the incident and its first run."""
        keys = [change.key for changes in self.changes.values() for change in changes]
        return [key.partition("@")[2].partition("/")[2] for key in keys]

    async def revert(self, *, baseline: str = "", **changes: Any) -> Incidents:  # noqa: ANN401  # any field
        """Open an incident that reverts the set at once."""
        step = {name: value for name, value in (SET | changes).items() if value is not None}
        book = playbook(DETECT, step, POSTMORTEM)
        return await self.engine.open(book, alert("ProviderDown"), baseline=baseline)

    async def about_to_revert(self, **changes: Any) -> Incidents:  # noqa: ANN401  # any field
        """Open an incident that reverts the set once the leases go on: who is hit is known then.

        After that nobody but the revert looks at the targets, so whoever comes by can be counted.
        """
        self.world.leases.pause()
        incident = await self.revert(**changes)
        await incident.until(lambda view: {"exposure", "index", "alias"} <= view.summary.exposures.keys())
        return incident


@asynccontextmanager
async def set_running(client: Client, *, at: int = 100) -> AsyncIterator[SetEngine]:
    """Run a worker over the set, with so much exposure on each of its targets."""
    world = MemoryWorld(exposure=at)
    async with running(client, world) as engine:
        yield SetEngine(engine, at)


async def story(incident: Incidents) -> list[tuple[str, int, str, int]]:
    """Return what was set and what was put back, in order: what, at which stage, on which target, to what."""
    view = await incident.view()
    return [
        (event.event, event.stage, event.target, event.after)
        for event in view.timeline
        if isinstance(event, ExposureSet | StagePutBack)
    ]
