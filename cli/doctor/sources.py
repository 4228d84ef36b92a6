"""The doctor at the sources: every query of every playbook is asked once, as a watch of a release would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from backout import ports
from backout.counting import Counted, Query
from backout.errors import NoHistory
from backout.guard import Place
from backout.model import Frozen, format_duration
from backout.playbook import Playbook
from backout.site import PushSource, ReportSource, Source
from backout.steps import DetectStep
from backout.streams import Stream, asked, streams
from cli.doctor.report import Report, patience

_NOBODY = "none"
"""Stands for a release that is not named."""


class _Question(NamedTuple):
    """A query, and where it stands."""

    where: str
    query: Query
    lacks: str
    """Why it is not tried: what it asks for is not known."""


class SourceLook:
    """Looks at what the playbooks ask one source."""

    def __init__(
        self,
        report: Report,
        name: str,
        config: Source,
        *,
        playbooks: Mapping[str, Playbook],
        places: Mapping[str, Place],
    ) -> None:
        """Report on the source of that name; `places` has the release that is out now, by service."""
        self._report = report
        self._name = name
        self._what = f"source {name}"
        self._is_filled_by_others = isinstance(config, PushSource | ReportSource)
        self._playbooks = playbooks
        self._places = places

    async def at(self, source: ports.Source) -> None:
        """Ask everything in one look. Errors are those of the source as a whole."""
        questions: dict[Query, _Question] = {}
        for question in self._questions():
            questions.setdefault(question.query, question)
        if not questions:
            self._report.warn(self._what, "No playbook asks it anything.")
            return
        async with patience():
            answers = await source.look(queries=tuple(questions))
        for question, answer in zip(questions.values(), answers, strict=True):
            self._judge(question, answer)
        answered = sum(bool(answer.counts) for answer in answers)
        await self._look_back(source)
        self._report.ok(self._what, f"answers; {answered} of {len(questions)} queries have data")

    def _judge(self, question: _Question, answer: Counted) -> None:
        where = question.where
        if answer.note:
            self._report.warn(self._what, f"{where}: {answer.note}")
        if answer.counts:
            return
        if question.lacks:
            self._report.warn(self._what, f"{where}: not tried, {question.lacks}")
        elif answer.problem:
            # Before the first output was judged, there is nothing to be found there.
            say = self._report.warn if self._is_filled_by_others else self._report.fail
            say(self._what, f"{where}: {answer.problem.rstrip('.')}. Without data the signal is blind.")
        else:
            found = f"nothing matches {question.query.text}"
            self._report.warn(self._what, f"{where}: {found}. Without data the signal is blind.")

    async def _look_back(self, source: ports.Source) -> None:
        """See that a source remembers what `detect` weighs first."""
        now = datetime.now(UTC)
        for name, playbook in self._playbooks.items():
            steps = [step for step in playbook.steps if isinstance(step, DetectStep)]
            back = next((step.look_back for step in steps if step.look_back), None)
            place = self._places[playbook.release.service]
            queries = [query for stream in self._streams(playbook, place) for query in stream.queries]
            if back is None or not queries:
                continue
            try:
                async with patience():
                    await source.history(queries=queries[:1], start=now - back, end=now, tick=playbook.tick)
            except NoHistory as error:
                wanted = f"{name}, detect: it cannot look back {format_duration(back)}"
                self._report.warn(self._what, f"{wanted}; evidence begins with the incident. {error}")

    def _questions(self) -> Iterator[_Question]:
        for name, playbook in self._playbooks.items():
            place = self._places[playbook.release.service]
            other = place.model_copy(update={"release": f"another-{_NOBODY}"})
            pairs = zip(self._streams(playbook, place), self._streams(playbook, other), strict=True)
            for stream, of_other in pairs:
                for query, elsewhere in zip(stream.queries, of_other.queries, strict=True):
                    lacks = stream.lacks or _lacks(place, query, elsewhere)
                    yield _Question(f"{name}, {_words(stream)}", query, lacks)
            counted = playbook.release.requests
            if counted and counted.source == self._name:
                query, elsewhere = (asked(Query(text=counted.query), one) for one in (place, other))
                yield _Question(f"{name}, release.requests", query, _lacks(place, query, elsewhere))

    def _streams(self, playbook: Playbook, place: Place) -> list[Stream]:
        return [stream for stream in streams(playbook.guard, place) if stream.source == self._name]


class Out(Frozen):
    """The release that is out now, as somebody has named it."""

    release: str | None = None
    service: str = ""
    """The only service in which it is out; empty where it is meant in every one."""

    def of(self, service: str) -> str | None:
        """Return the release that is out in a service."""
        return self.release if self.service in {"", service} else None

    def place(self, service: str, baseline: str) -> Place:
        """Return the release that is out in a service, or what stands for it."""
        return Place(service=service, release=self.of(service) or _NOBODY, baseline=baseline)


def _lacks(place: Place, query: Query, elsewhere: Query) -> str:
    """Say that a query asks for a release and none is named: then it differs from release to release."""
    named = place.release != _NOBODY or query == elsewhere
    return "" if named else "it asks for a release. Name one with --release."


def _words(stream: Stream) -> str:
    criterion, is_control, _ = stream.key.partition("@baseline")
    if is_control:
        return f"baseline of criterion {criterion}"
    signal, _, by = stream.key.partition("/")
    return f"signal {signal} by {by}" if by else f"signal {signal}"
