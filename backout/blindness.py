"""Blindness: sources that give no data, and all the criteria that are blind by them."""

from __future__ import annotations

from collections.abc import Iterator

from backout.criteria import Criterion
from backout.evaluation import Blindness
from backout.guard import Guard
from backout.model import format_duration
from backout.rules import Do
from backout.verdicts import streams_of
from backout.watch import Track, Watch
from backout.weighing import blind_after

_STRENGTH = ("report", "page", "hold")
_ASKS = {"page": Do.PAGE, "hold": Do.HOLD}


def blindness(watch: Watch, guard: Guard) -> tuple[Blindness, ...]:
    """Return every source that gave no data for so long that criteria are blind, each once.

    A criterion that is breached and silent stays breached, and is listed: somebody should see to its source.
    """
    by_source: dict[str, list[tuple[Criterion, str]]] = {}
    for criterion in guard.criteria:
        if silent := _silent(watch, guard, criterion):
            source = guard.signals[criterion.signal or ""].source
            by_source.setdefault(source, []).append((criterion, silent))
    return tuple(_grouped(watch, source, blind) for source, blind in by_source.items())


def _silent(watch: Watch, guard: Guard, criterion: Criterion) -> str:
    """Return the stream by which a criterion is blind for long; empty where none is."""
    after = blind_after(criterion, guard.tick)
    silent = (key for key in streams_of(criterion) if watch.tracks.get(key, Track()).silent >= after)
    return next(silent, "")


def _grouped(watch: Watch, source: str, blind: list[tuple[Criterion, str]]) -> Blindness:
    streams = list(dict.fromkeys(key for _, key in blind))
    seen = [watch.tracks[key].seen_at for key in streams]
    whys = dict.fromkeys(watch.problems.get(key) or _why(watch.tracks[key]) for key in streams)
    # What a criterion wants that only observes is worth nothing.
    wants = [criterion.missing.do if criterion.mode == "act" else "report" for criterion, _ in blind]
    return Blindness(
        source=source,
        criteria=tuple(criterion.id for criterion, _ in blind),
        since=min((at for at in seen if at), default=None),
        why="; ".join(whys),
        do=max(wants, key=_STRENGTH.index),
    )


def _why(track: Track) -> str:
    if track.seen_at is not None or track.totals.of:
        return "nothing new was counted"
    return "it gave no data" if track.totals.of is None else "it has counted nothing yet"


def asked_for(blind: tuple[Blindness, ...]) -> Do | None:
    """Return the strongest of what blindness asks for; it never reverts."""
    strongest = max((one.do for one in blind), key=_STRENGTH.index, default="report")
    return _ASKS.get(strongest)


def in_words(blind: tuple[Blindness, ...], watch: Watch) -> Iterator[str]:
    """Yield a sentence for each source."""
    for one in blind:
        lasting = f"for {format_duration(watch.at - one.since)}" if one.since and watch.at else "ever"
        yield f"no data of source {one.source} {lasting} ({one.why}), so blind: {', '.join(one.criteria)}"
