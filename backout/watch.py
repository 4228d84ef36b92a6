"""The state of a watch: what it has seen of each signal, and the evidence so far. It is data: a killed worker's
watch goes on elsewhere with it.
"""

from __future__ import annotations

from datetime import datetime

from backout.counting import MarkedEvent, Reading, Totals
from backout.model import Frozen


class Track(Frozen):
    """What a watch knows of one signal, or of one cohort of it."""

    totals: Totals = Totals()
    """The last totals that had data."""
    recent: tuple[Reading, ...] = ()
    """Readings of the window, oldest first."""
    bad: int = 0
    judged: int = 0
    """Counted since the watch began."""
    silent: int = 0
    """Ticks without data, up to now."""


class Watch(Frozen):
    """The state of a watch; it survives a killed worker in the activity's heartbeat."""

    started_at: datetime
    ticks: int = 0
    tracks: dict[str, Track] = {}
    """By stream, and by `stream[cohort]` where it is split."""
    evidence: dict[str, tuple[float, ...]] = {}
    """The detector's statistics, by criterion, and by `criterion[cohort]` where it tests cohorts."""
    at: datetime | None = None
    """The last look."""
    events: tuple[MarkedEvent, ...] = ()
    """External events that went on then."""
    problems: dict[str, str] = {}
    """Why a stream had no data then, by stream."""
    suspect_at: dict[str, datetime] = {}
    """When a criterion was last at the level `hold` or above."""
    breached_at: dict[str, datetime] = {}
    """When a criterion was last at the level `revert`."""
    fired_at: dict[str, datetime] = {}
    """When a rule fired last."""
    true_at: dict[str, datetime] = {}
    """When the condition of a rule that fired was true last: it is quiet since then."""
    vetoed_at: dict[str, datetime] = {}
    """Since when a veto's condition is true without a break."""
