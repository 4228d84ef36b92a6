"""Review: what the data says of an incident afterwards. Which signal moved first, and how long before?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from backout.backtest import Period
from backout.change_point import change_point
from backout.criteria import AlertTest, EventTest
from backout.guard import Guard
from backout.model import Frozen
from backout.streams import stream_key
from backout.suggestions import Grid
from backout.timeline import SignalsJudged
from backout.timeline_exposure import ExposureSet
from backout.view import IncidentView
from backout.watch import Watch
from backout.weighing import is_least


class Moved(Frozen):
    """Since when a signal, or one cohort of it, was worse."""

    stream: str
    at: datetime
    """The end of the first tick at the new rate."""
    ahead_s: float
    """How long before the revert."""
    before: float
    after: float
    surprise: float
    """The log likelihood ratio of the change, in nats."""
    need: float


class Review(Frozen):
    """What the data says of an incident."""

    incident: str
    reverted_at: datetime | None
    """The first change of exposure; the decision where there was none; None where there was neither."""
    ticks: int
    moved: tuple[Moved, ...]
    """The earliest first."""
    still: tuple[str, ...]
    """Streams that show no change."""
    grid: Grid | None = None
    """Other settings; None where no signal moved."""

    @property
    def bad(self) -> Period | None:
        """The time from the first move to the revert."""
        if not self.moved or self.reverted_at is None:
            return None
        return Period(start=self.moved[0].at, end=max(self.reverted_at, self.moved[0].at))


class Readings:
    """What each stream brought in each tick."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._of: dict[str, list[tuple[int, int]]] = {}
        self._times: list[datetime] = []

    def take(self, watch: Watch) -> None:
        """Take the readings of the watch's last look."""
        assert watch.at is not None  # noqa: S101  # it has had one
        for key, track in watch.tracks.items():
            known = self._of.setdefault(key, [(0, 0)] * len(self._times))
            last = track.recent[-1] if track.recent else None
            known.append((last.bad, last.judged) if last else (0, 0))
        self._times.append(watch.at)

    def review(self, incident: str, guard: Guard, reverted_at: datetime | None) -> Review:
        """Return which streams moved, and when."""
        end = reverted_at or (self._times[-1] if self._times else None)
        falls = _falling(guard)
        moved: list[Moved] = []
        still: list[str] = []
        for key, readings in self._of.items():
            stream = key.partition("[")[0]
            if stream not in falls:
                continue
            found = change_point(readings, falls=falls[stream])
            if found is None or end is None:
                still.append(key)
                continue
            at = self._times[found.index]
            moved.append(
                Moved(
                    stream=key,
                    at=at,
                    ahead_s=(end - at) / timedelta(seconds=1),
                    before=found.before,
                    after=found.after,
                    surprise=found.surprise,
                    need=found.need,
                )
            )
        return Review(
            incident=incident,
            reverted_at=reverted_at,
            ticks=len(self._times),
            moved=tuple(sorted(moved, key=lambda one: one.at)),
            still=tuple(still),
        )


def _falling(guard: Guard) -> Mapping[str, bool]:
    """Return the streams whose rates are tested, and whether worse is less."""
    tested = (one for one in guard.criteria if not isinstance(one.test, AlertTest | EventTest))
    return {stream_key(one): is_least(one) for one in tested}


def reverted_at(view: IncidentView) -> datetime | None:
    """Return when exposure was first changed, or else when the rules asked for it."""
    for event in view.timeline:
        if isinstance(event, ExposureSet) and event.changed:
            return event.at
    decided = (
        event for event in view.timeline if isinstance(event, SignalsJudged) and event.sense == "breach"
    )
    return next((event.at for event in decided if event.evaluation.do or event.evaluation.rule), None)
