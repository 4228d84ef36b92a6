"""Sightless: the words for sources that give no data, and what is blind where nothing can be observed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from backout.criteria import Criterion
from backout.evaluation import Blindness
from backout.playbook import Playbook

_STRENGTH = {"report": 0, "page": 1, "hold": 2}


def blind_line(blind: Blindness) -> str:
    """Return a source's blindness as a sentence."""
    since = f" since {blind.since:%Y-%m-%d %H:%M:%S} UTC" if blind.since else ""
    why = f" ({blind.why})" if blind.why else ""
    return f"source {blind.source} gives no data{since}{why}; blind: {', '.join(blind.criteria)}"


def blindness(playbook: Playbook, *, since: datetime | None, why: str) -> Iterator[Blindness]:
    """Yield every source of a playbook as blind, with all its criteria."""
    by_source: dict[str, list[Criterion]] = {}
    for criterion in playbook.criteria:
        if criterion.signal is not None:
            by_source.setdefault(playbook.signals[criterion.signal].source, []).append(criterion)
    for source, criteria in by_source.items():
        wanted = [criterion.missing.do for criterion in criteria if criterion.mode == "act"]
        yield Blindness(
            source=source,
            criteria=tuple(criterion.id for criterion in criteria),
            since=since,
            why=why,
            do=max(wanted, key=_STRENGTH.__getitem__, default="report"),
        )
