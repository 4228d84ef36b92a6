"""Look at a release: every source is asked once for everything; what cannot be had has its reason."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from backout.counting import Counted, Look, MarkedEvent, Query
from backout.errors import BackoutError, UnknownName
from backout.guard import Guard, Place
from backout.model import Frozen
from backout.ports import Marks, Source
from backout.streams import Stream, streams, totals

Answers = Mapping[str, Sequence[Counted] | str]
"""What each source said to its questions, in their order, or why it said nothing."""


class Past(Frozen):
    """What sources remember, look by look."""

    looks: tuple[Look, ...]
    not_counted: tuple[str, ...]
    """Which source remembers nothing, and why."""


class Eyes:
    """Looks at one release. Equal questions are asked once."""

    def __init__(
        self, *, sources: Mapping[str, Source], marks: Marks | None, guard: Guard, place: Place
    ) -> None:
        """Prepare the questions.

        Raises:
            UnknownName: there is no such source.
        """
        self._sources = sources
        self._marks = marks
        self._service = place.service
        self._streams = streams(guard, place)
        self._asked: dict[str, dict[Query, int]] = {}
        for stream in self._streams:
            if stream.source not in sources:
                raise UnknownName(kind="source", name=stream.source, known=sources)
            if not stream.lacks:
                asked = self._asked.setdefault(stream.source, {})
                for query in stream.queries:
                    asked.setdefault(query, len(asked))

    async def look(self, *, at: datetime) -> tuple[Look, tuple[str, ...]]:
        """Look now; return what is seen, and what was not counted and why."""
        answers, (events, troubles) = await asyncio.gather(self._ask(), self._events(at, at))
        return self._seen(at, answers, events), (*_notes(answers), *troubles)

    async def past(self, *, start: datetime, end: datetime, tick: timedelta) -> Past:
        """Return what would have been seen at start, start + tick, ... up to end."""
        remembered, (events, troubles) = await asyncio.gather(
            asyncio.gather(*(self._remember(source, start, end, tick) for source in self._asked)),
            self._events(start, end),
        )
        series = dict(zip(self._asked, remembered, strict=True))
        lost = {source: why for source, why in series.items() if isinstance(why, str)}
        steps = 0 if len(lost) == len(series) else (end - start) // tick + 1
        looks = (self._seen(start + number * tick, _at(series, number), events) for number in range(steps))
        return Past(
            looks=tuple(looks),
            not_counted=(
                *(f"no history of source {source}: {why}" for source, why in lost.items()),
                *troubles,
            ),
        )

    async def _ask(self) -> Answers:
        said = await asyncio.gather(*(self._answer(source) for source in self._asked))
        return dict(zip(self._asked, said, strict=True))

    async def _answer(self, source: str) -> Sequence[Counted] | str:
        try:
            return await self._sources[source].look(queries=tuple(self._asked[source]))
        except BackoutError as error:
            return f"source {source} gives no data: {error}"

    async def _remember(
        self, source: str, start: datetime, end: datetime, tick: timedelta
    ) -> Sequence[Sequence[Counted]] | str:
        try:
            queries = tuple(self._asked[source])
            return await self._sources[source].history(queries=queries, start=start, end=end, tick=tick)
        except BackoutError as error:
            return str(error)

    async def _events(
        self, start: datetime, end: datetime
    ) -> tuple[tuple[MarkedEvent, ...], tuple[str, ...]]:
        if self._marks is None:
            return (), ()
        try:
            return await self._marks.during(service=self._service, start=start, end=end), ()
        except BackoutError as error:
            return (), (f"marked events are not known: {error}",)

    def _seen(self, at: datetime, answers: Answers, events: Sequence[MarkedEvent]) -> Look:
        counted, problems = {}, {}
        for stream in self._streams:
            found = self._found(stream, answers)
            if isinstance(found, str):
                problems[stream.key] = found
                continue
            bad, of = found
            counted[stream.key] = totals(stream, bad, of)
            if problem := of.problem or bad.problem:
                problems[stream.key] = problem
        return Look(
            at=at,
            totals=counted,
            problems=problems,
            events=tuple(event for event in events if event.covers(at)),
        )

    def _found(self, stream: Stream, answers: Answers) -> tuple[Counted, Counted] | str:
        if stream.lacks:
            return stream.lacks
        said = answers[stream.source]
        if isinstance(said, str):
            return said
        places = self._asked[stream.source]
        return said[places[stream.bad]], said[places[stream.of]]


def _at(series: Mapping[str, Sequence[Sequence[Counted]] | str], number: int) -> Answers:
    """Return what was counted at one moment of the past."""
    return {
        source: said if isinstance(said, str) else tuple(counts[number] for counts in said)
        for source, said in series.items()
    }


def _notes(answers: Answers) -> Iterator[str]:
    for source, said in answers.items():
        if not isinstance(said, str):
            yield from dict.fromkeys(f"source {source}: {one.note}" for one in said if one.note)
