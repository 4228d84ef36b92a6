"""What the rules are held against: a file, or what the site's sources remember. Never all of it at once."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import wiring
from activities.looking import Eyes
from backout.counting import Counted, Look, Query
from backout.errors import FileUnreadable, InvalidDocument, NothingToTest, RejectedBySystem, UnknownName
from backout.guard import Place
from backout.model import Frozen
from backout.playbook import Playbook
from backout.ports import Marks, Source
from backout.recorded import read_rows, zoned
from backout.series import looks_of_rows
from backout.site import ReportSource
from backout.site import Source as AnySource
from backout.streams import streams
from cli.session import site_file

TICKS_AT_ONCE = 2000
"""So many looks of the past are asked for, and held, at one time."""
_REPORT = frozenset({".jsonl", ".ndjson"})
_SAY_EVERY_S = 3.0


class Asked(Frozen):
    """Which data is meant."""

    data: Path | None = None
    sources: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    service: str = ""
    """The playbook's own where it is empty."""
    release: str = ""
    baseline: str = ""
    site: Path | None = None
    state: Path = Path()


class Recording:
    """Looks of the past, one after the other; afterwards, what they were and what was not to be had."""

    def __init__(self, asked: Asked, playbook: Playbook) -> None:
        """Prepare to read for a playbook; nothing is opened yet."""
        self._asked = asked
        self._guard = playbook.guard
        self._place = Place(
            service=asked.service or playbook.release.service,
            release=asked.release,
            baseline=asked.baseline,
        )
        self._digest = hashlib.sha256()
        self._notes: dict[str, None] = {}

    @property
    def digest(self) -> str:
        """The digest of what was read so far: of the file's bytes, or of every look at the sources."""
        return f"sha256:{self._digest.hexdigest()}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What was not to be had, and why."""
        return tuple(self._notes)

    async def looks(self) -> AsyncIterator[Look]:
        """Yield every look in its order.

        Raises:
            FileUnreadable, InvalidDocument: the file cannot be read, or a line of it is wrong.
            UnknownName: there is no such source.
            NothingToTest: no source remembers anything of that time.
        """
        progress = _Progress()
        async for look in self._file_looks() if self._asked.data else self._remembered():
            progress.at(look.at)
            yield look

    async def _file_looks(self) -> AsyncIterator[Look]:
        file = self._asked.data
        assert file is not None  # noqa: S101  # the caller has seen it
        if file.suffix in _REPORT:
            async for look in self._report_looks(file):
                yield look
            return
        rows = read_rows(self._lines(file), file=str(file), guard=self._guard)
        meant = (row for row in rows if self._is_meant(row.at))
        for look in looks_of_rows(meant, tick=self._guard.tick):
            yield look

    def _is_meant(self, at: datetime) -> bool:
        start, end = self._asked.start, self._asked.end
        return (start is None or start <= at) and (end is None or at <= end)

    def _lines(self, file: Path) -> Iterator[str]:
        try:
            with file.open("rb") as lines:
                for number, raw in enumerate(lines):
                    self._digest.update(raw)
                    yield raw.decode("utf-8" if number else "utf-8-sig")
        except OSError as error:
            raise FileUnreadable(
                what="The data", path=file, why=error.strerror, remedy="Name another file with --data."
            ) from error

    async def _report_looks(self, file: Path) -> AsyncIterator[Look]:
        from adapters.sources.report import Reports  # noqa: PLC0415  # only reports need it

        first, last = _span(self._lines(file), str(file))
        start, end = self._asked.start or first, self._asked.end or last + self._guard.tick
        sources: dict[str, Source] = dict.fromkeys(self._sources_meant(), Reports(str(file)))
        async for look in self._past(sources, start - self._guard.tick, end):
            yield look

    async def _remembered(self) -> AsyncIterator[Look]:
        at = site_file(self._asked.site, self._asked.state)
        known = at.site.sources
        for name in self._asked.sources:
            if name not in known:
                raise UnknownName(kind="source", name=name, known=known)
        assert self._asked.start is not None  # noqa: S101  # the command line asks for it
        assert self._asked.end is not None  # noqa: S101  # as above
        async with wiring.open_adapters(at) as adapters:
            sources: dict[str, Source] = {name: Unasked(name) for name in self._sources_meant()}
            sources |= {name: adapters.source(_whole(known[name])) for name in self._asked.sources}
            # A store that is not there yet must not come about by looking back.
            marks = adapters.marks() if at.path(at.site.store.path).exists() else None
            async for look in self._past(sources, self._asked.start, self._asked.end, marks):
                self._digest.update(look.model_dump_json().encode())
                yield look

    def _sources_meant(self) -> list[str]:
        return [stream.source for stream in streams(self._guard, self._place)]

    async def _past(
        self, sources: Mapping[str, Source], start: datetime, end: datetime, marks: Marks | None = None
    ) -> AsyncIterator[Look]:
        tick = self._guard.tick
        eyes = Eyes(sources=sources, marks=marks, guard=self._guard, place=self._place)
        found = False
        while start <= end:
            until = min(start + (TICKS_AT_ONCE - 1) * tick, end)
            past = await eyes.past(start=start, end=until, tick=tick)
            self._notes |= dict.fromkeys(past.not_counted)
            for look in past.looks:
                yield look
            found = found or bool(past.looks)
            start = until + tick
        if not found:
            raise NothingToTest(why="; ".join(self._notes) or "the time is empty")


def _whole(config: AnySource) -> AnySource:
    """Return a source that forgets nothing: days of long ago are asked for, once."""
    is_report = isinstance(config, ReportSource)
    return config.model_copy(update={"keep": timedelta(days=3650)}) if is_report else config


class Unasked:
    """A source of the playbook that nobody named."""

    def __init__(self, name: str) -> None:
        """Refuse in the name of this source."""
        self._name = name

    async def look(self, *, queries: Sequence[Query]) -> tuple[Counted, ...]:  # noqa: ARG002  # the port's shape
        """Refuse."""
        raise self._refused()

    async def history(
        self,
        *,
        queries: Sequence[Query],  # noqa: ARG002  # the port's shape
        start: datetime,  # noqa: ARG002  # as above
        end: datetime,  # noqa: ARG002  # as above
        tick: timedelta,  # noqa: ARG002  # as above
    ) -> tuple[tuple[Counted, ...], ...]:
        """Refuse."""
        raise self._refused()

    def _refused(self) -> RejectedBySystem:
        return RejectedBySystem(what=f"source {self._name}", why=f"--source {self._name} was not given")


class _Progress:
    """Says on standard error how far a long reading has come."""

    def __init__(self) -> None:
        self._said = time.monotonic()
        self._count = 0

    def at(self, at: datetime) -> None:
        """Say it, if it is time to."""
        self._count += 1
        if self._count % 500 == 0 and time.monotonic() - self._said > _SAY_EVERY_S:
            self._said = time.monotonic()
            print(f"... {self._count} ticks, up to {at:%Y-%m-%d %H:%M} UTC", file=sys.stderr)  # noqa: T201  # for the person at the terminal


def _span(lines: Iterable[str], file: str) -> tuple[datetime, datetime]:
    """Return the first and the last time of a report."""
    first: datetime | None = None
    last: datetime | None = None
    for line in lines:
        if at := _judged_at(line):
            first, last = min(first or at, at), max(last or at, at)
    if first is None or last is None:
        raise InvalidDocument([f"{file}: no line has a time 'judged_at' or 'at' with its zone"])
    return first, last


def _judged_at(line: str) -> datetime | None:
    try:
        told = json.loads(line)
        return zoned(str(told.get("judged_at") or told["at"]))
    except (ValueError, KeyError, AttributeError):
        return None
