"""Releases: registered, watched and retired. The registry is told first; the watches follow it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from backout.errors import (
    BackoutError,
    EngineDown,
    PlaybookGone,
    ReleaseUnknown,
    ServiceFrozen,
    UnknownName,
)
from backout.guard import Place
from backout.model import Frozen, digest_of
from backout.playbook import Playbook
from backout.ports import Registry
from backout.registering import checked, with_baseline
from backout.releases import Registration, ReleaseRecord, WatchView
from gateway.freezing import Freeze
from gateway.watches import Watches

MOST = 10_000
"""Releases that a look over the registry takes."""
EVERY_S = 60.0
"""Seconds between two looks for releases whose watch is not as the registry says."""
AT_ONCE = 10
"""Watches that are told something at the same time."""
LIST_S = 20.0
"""Seconds that the list of all running watches may take."""
WITHIN_S = 2.5
"""Seconds that the engine may take for one watch, unless the caller says otherwise."""

State: TypeAlias = Literal["started", "running", "pending", "retired", "ended"]
"""What came of a watch. pending: the engine did not take it, and it is told again within a minute."""

_log = logging.getLogger(__name__)


class Told(Frozen):
    """What came of telling of a release: what is kept, and its watch."""

    record: ReleaseRecord
    repeated: bool
    """It was known so already."""
    watch: State
    why: str = ""
    """Why the watch is pending."""


class Shown(Frozen):
    """A release as it is kept, and what its watch shows."""

    record: ReleaseRecord
    watch: WatchView | None = None
    why: str = ""
    """Why there is no watch to show."""


class Releases:
    """Registers, shows and retires releases.

    What is kept in the registry is the truth, and the watches follow it: `run` makes good what the engine did
    not take, and what a crash left undone.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        watches: Watches,
        freeze: Freeze,
        playbooks: Mapping[str, Playbook],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Keep in `registry` and guard through `watches`, by the rules of `playbooks`."""
        self._registry = registry
        self._watches = watches
        self._freeze = freeze
        self._playbooks = playbooks
        self._now = now
        self._current: set[str] = set()
        """Releases whose watch is known to go by the playbooks of this process."""

    async def register(
        self, told: Registration, *, by: str, during_incident: str = "", within_s: float = WITHIN_S
    ) -> Told:
        """Keep a release and start its watch. `during_incident`: why a person does so if one runs.

        Raises:
            RegistrationRefused: no playbook can guard it so.
            ReleaseDiffers: it is registered already, with another content.
            ReleaseInQuarantine: its name, or a digest of it, is quarantined.
            FreezeUnknown: the store does not say whether it is.
            ServiceFrozen: it is new, and an incident runs on another release of the service.
        """
        service, release = told.service, told.release
        checked(told, playbooks=self._playbooks)
        await self._freeze.refuse_quarantined(told)
        kept = await self._registry.release(service=service, release=release)
        if kept is None:
            by = await self._by(told, by, during_incident, within_s)
        baselines = await self._registry.baselines(service=service)
        complete = with_baseline(told, kept=kept, baselines=baselines)
        record = ReleaseRecord(registration=complete, registered_at=self._now(), by=by)
        is_new = await self._registry.register(record=record)
        if not is_new:
            record = await self.record(service=service, release=release)
        state, why = await self._start(record, within_s)
        return Told(record=record, repeated=not is_new, watch=state, why=why)

    async def _by(self, told: Registration, by: str, during_incident: str, within_s: float) -> str:
        """Return who registers a new release, and why they may while the service is frozen.

        Where the engine does not say, nothing is refused: a release is rather known and guarded than not, and
        pipelines ask for the freeze itself before they deploy. What a person says of an incident counts then.
        """
        try:
            await self._freeze.refuse_frozen(told, within_s=within_s)
        except (ServiceFrozen, EngineDown) as error:
            if during_incident:
                return f"{by}, during an incident: {during_incident}"
            if isinstance(error, ServiceFrozen):
                raise
        return by

    async def watch(self, *, service: str, release: str, within_s: float = WITHIN_S) -> Told:
        """See that a registered release is watched.

        Raises:
            ReleaseUnknown: it is not registered.
            EngineDown: its watch could not be started now; the gateway tries again.
        """
        record = await self.record(service=service, release=release)
        state = await self._begin(record, within_s)
        return Told(record=record, repeated=state != "started", watch=state)

    async def retire(self, *, service: str, release: str, by: str, why: str) -> Told:
        """Guard a release no longer: its watch ends. `ReleaseUnknown`: it is not registered."""
        record = await self.record(service=service, release=release)
        repeated = record.retired_at is not None
        if not repeated:
            told = f"{by}: {why}"
            await self._registry.retire(service=service, release=release, at=self._now(), why=told)
            record = await self.record(service=service, release=release)
        state, problem = await self._end(record)
        return Told(record=record, repeated=repeated, watch=state, why=problem)

    async def record(self, *, service: str, release: str) -> ReleaseRecord:
        """Return a release as it is kept. `ReleaseUnknown`: it is not registered."""
        record = await self._registry.release(service=service, release=release)
        if record is None:
            raise ReleaseUnknown(service=service, release=release)
        return record

    async def show(self, *, service: str, release: str, within_s: float = WITHIN_S) -> Shown:
        """Return a release with its watch. `ReleaseUnknown`: it is not registered."""
        record = await self.record(service=service, release=release)
        gone = self._gone(record)
        try:
            view = await self._watches.view(service=service, release=release, within_s=within_s)
        except BackoutError as error:
            return Shown(record=record, why=" ".join(filter(None, (str(error), gone))))
        trouble = "; ".join(filter(None, (view.trouble, gone)))
        return Shown(record=record, watch=view.model_copy(update={"trouble": trouble}))

    def _gone(self, record: ReleaseRecord) -> str:
        """Say that a guarded release's playbook is not here any more; empty where it is."""
        name = record.registration.playbook
        return "" if record.retired_at or name in self._playbooks else str(PlaybookGone(playbook=name))

    async def listing(self, *, service: str | None, limit: int) -> tuple[ReleaseRecord, ...]:
        """Return the newest releases first."""
        return await self._registry.releases(service=service, limit=limit)

    async def run(self) -> None:
        """Let the watches follow the registry until cancelled."""
        while True:
            try:
                await self.follow()
            except BackoutError as error:
                _log.warning("Watches wait for the engine or the registry: %s", error)
            except Exception:  # noqa: BLE001  # the edge of the task: it must outlive every error
                _log.exception("Watches could not be compared with the registry")
            await asyncio.sleep(EVERY_S)

    async def follow(self) -> None:
        """Start the watches that are missing, and end those of retired releases.

        The first time, those that run go on by today's playbooks.
        """
        records = await self._registry.releases(service=None, limit=MOST)
        if len(records) == MOST:
            _log.warning("Only the newest %d releases are compared with their watches", MOST)
        listed = await self._watches.listing(limit=MOST, within_s=LIST_S)
        running = {short_of(one.place) for one in listed}
        at_once = asyncio.Semaphore(AT_ONCE)

        async def one(record: ReleaseRecord) -> None:
            async with at_once:
                await self._follow(record, is_running=short_of(record.place) in running)

        await asyncio.gather(*map(one, records))

    async def _follow(self, record: ReleaseRecord, *, is_running: bool) -> None:
        place = short_of(record.place)
        if record.retired_at is not None:
            if not is_running:
                return
            state, why = await self._end(record)
        elif is_running and place in self._current:
            return
        elif is_running and (gone := self._gone(record)):
            self._current.add(place)
            state, why = "pending", gone
        else:
            state, why = await self._start(record, WITHIN_S)
        level = logging.WARNING if state == "pending" else logging.INFO
        _log.log(level, "Watch of %s: %s %s", place, state, why)

    async def _start(self, record: ReleaseRecord, within_s: float) -> tuple[State, str]:
        try:
            return await self._begin(record, within_s), ""
        except BackoutError as error:
            return "pending", str(error)

    async def _begin(self, record: ReleaseRecord, within_s: float) -> State:
        if record.retired_at is not None:
            return "retired"
        playbook = self._playbook(record.registration.playbook)
        is_new = await self._watches.start(
            record=record, playbook=playbook, digest=digest_of(playbook), within_s=within_s
        )
        self._current.add(short_of(record.place))
        return "started" if is_new else "running"

    async def _end(self, record: ReleaseRecord) -> tuple[State, str]:
        place = record.place
        try:
            await self._watches.retire(
                service=place.service, release=place.release, why=record.retired_why, within_s=WITHIN_S
            )
        except BackoutError as error:
            return "pending", str(error)
        return "ended", ""

    def _playbook(self, name: str) -> Playbook:
        if name not in self._playbooks:
            raise UnknownName(kind="playbook", name=name, known=self._playbooks)
        return self._playbooks[name]


def short_of(place: Place) -> str:
    """Return a release as people write it: `service/release`."""
    return f"{place.service}/{place.release}"
