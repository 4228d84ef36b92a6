"""A release under guard in the fake world, and the hands to act on its watch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count

from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from adapters.memory import START, MemoryWorld
from backout.evaluation import Outcome
from backout.guard import Place
from backout.guard_release import Follow, GuardRelease, Retire
from backout.model import digest_of
from backout.playbook import Playbook
from backout.releases import Artifact, WatchView
from backout.view import incident_id
from tests.workflows.engine import NOT_NOW, PATIENCE_S, Engine, Incidents
from tests.workflows.playbooks import DETECT, MANUAL, POSTMORTEM, REVERT, VERIFY, playbook
from workflows import search_attributes
from workflows.incident import Incident
from workflows.watch import DIGEST, ReleaseWatch

STEPS = (DETECT, REVERT, VERIFY, POSTMORTEM)
STAYS_OPEN = (MANUAL, REVERT, POSTMORTEM)
"""An incident that waits for people."""
MODEL = Artifact(kind="model", name="chat-8b", digest="sha256:" + "ab" * 32)
_numbers = count(1)


def a_world(*, is_well: bool = True, exposure: int = 100, release: str = "") -> MemoryWorld:
    """Return a world of its own release, so that tests on one server do not meet; its clock stands still."""
    world = MemoryWorld(release=release or f"watched-{next(_numbers)}", exposure=exposure)
    if is_well:
        world.heal()
    world.clock.pause()
    return world


def guard_of(world: MemoryWorld, book: Playbook | None = None) -> GuardRelease:
    """Return the request to guard the world's release."""
    book = book or playbook(*STEPS)
    return GuardRelease(
        place=Place(service=world.service, release=world.release, baseline="r1"),
        playbook=book,
        digest=digest_of(book),
        owner="team-chat",
        registered_at=START,
        artifacts=(MODEL,),
    )


def holding_on_blindness(**changes: object) -> Playbook:
    """Return a playbook with two criteria on one source that hold when it is blind."""
    test = {"compare": "limit", "max": "1%"}
    criteria = [
        {"id": name, "signal": "errors", "test": test, "missing": {"do": "hold"}} for name in ("one", "two")
    ]
    rules = [{"id": "critical", "when": {"any_of": ["one", "two"]}, "authority": "auto"}]
    return playbook(*STAYS_OPEN, criteria=criteria, rules=rules, **changes)


def firings(view: WatchView) -> int:
    """Return how often a rule fired."""
    return sum(one.evaluation.outcome is Outcome.FIRED for one in view.transitions)


class Watched:
    """One watch under test."""

    def __init__(self, engine: Engine, handle: WorkflowHandle[ReleaseWatch, WatchView]) -> None:
        self.engine = engine
        self.world = engine.world
        self.handle = handle

    async def view(self) -> WatchView:
        """Return where it stands."""
        return await self.until(lambda _: True)

    async def until(self, seen: Callable[[WatchView], object]) -> WatchView:
        """Wait until it looks so."""
        async with asyncio.timeout(PATIENCE_S):
            while not ((view := await self._glance()) and seen(view)):  # noqa: ASYNC110  # it is in a server
                await asyncio.sleep(0.01)
        return view

    async def _glance(self) -> WatchView | None:
        """Return the view; None in a moment in which nobody can look."""
        try:
            return await self.handle.query(ReleaseWatch.view)
        except RPCError as error:
            if error.status not in NOT_NOW:
                raise
            return None

    async def ticks(self, number: int) -> None:
        """Let so many looks pass, and stop again."""
        clock = self.world.clock
        before = clock.arrivals
        clock.go_on(times=number)
        async with asyncio.timeout(PATIENCE_S):
            await clock.reached(before + number)

    async def retire(self, why: str = "replaced by r3") -> WatchView:
        """Retire the release."""
        return await self.handle.execute_update(ReleaseWatch.retire, Retire(why=why))

    async def follow(self, book: Playbook) -> None:
        """Hand over another snapshot of the playbook, and wait until it is followed."""
        digest = digest_of(book)
        await self.handle.execute_update(ReleaseWatch.follow, Follow(playbook=book, digest=digest))
        async with asyncio.timeout(PATIENCE_S):
            while await self.digest() != digest:  # noqa: ASYNC110  # it is in a server
                await asyncio.sleep(0.01)

    async def digest(self) -> str:
        """Return the digest of the playbook's snapshot that it follows."""
        return await (await self.handle.describe()).memo_value(DIGEST, "", type_hint=str)

    async def ended(self) -> WatchView:
        """Wait for its end."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.handle.result()

    @property
    def incident(self) -> Incidents:
        """The incident on the release."""
        place = incident_id(self.world.service, self.world.release)
        return Incidents(self.engine.client.get_workflow_handle_for(Incident.run, place))

    async def incident_runs(self) -> int:
        """Return how many incidents there were on the release."""
        query = f"WorkflowId = '{self.incident.handle.id}'"
        return (await self.engine.client.count_workflows(query)).count

    async def until_incidents(self, number: int) -> None:
        """Wait until there were so many incidents: a rule is told of before its incident is open."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.incident_runs() != number:  # noqa: ASYNC110  # it is in a server
                await asyncio.sleep(0.01)

    async def events(self) -> int:
        """Return how many events its history has."""
        return (await self.handle.describe()).history_length


async def guarded(engine: Engine, book: Playbook | None = None) -> Watched:
    """Start the watch of the world's release."""
    guard = guard_of(engine.world, book)
    handle = await engine.client.start_workflow(
        ReleaseWatch.run,
        guard,
        id=guard.watch,
        task_queue=engine.queue,
        search_attributes=search_attributes.of_watch(guard),
        memo={DIGEST: guard.digest},
    )
    return Watched(engine, handle)


async def is_watching(watched: Watched) -> WatchView:
    """Let the first data come."""
    await watched.ticks(12)
    return await watched.until(lambda view: view.state == "watching")
