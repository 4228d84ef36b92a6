"""The state of a watch: what it has seen of each signal, and the evidence so far.

It is data: a killed worker's watch goes on elsewhere with it.
"""

from __future__ import annotations

from datetime import datetime

from backout.counting import MarkedEvent, Reading, Totals
from backout.model import Frozen, Name


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
    seen_at: datetime | None = None
    """The last look with data."""
    fallen: Totals | None = None
    """Totals below the last ones, seen since: a restart if they stay below, a stale answer if they do not."""
    left: Reading | None = None
    """What the last fall took away: where a replica left the sum, it brings that back in one tick."""


class Standing(Frozen):
    """Who is in doubt: what people are told of when it changes."""

    suspect: tuple[Name, ...] = ()
    breached: tuple[Name, ...] = ()
    blind: tuple[Name, ...] = ()
    """Sources that give no data."""
    vetoed: tuple[Name, ...] = ()
    """Rules that are held back."""


class Began(Frozen):
    """Where the present evidence began: what had been counted until then."""

    at: datetime
    """The last look with data up to which what was counted spoke for the limit."""
    bad: int
    judged: int
    other_bad: int = 0
    """Two arms: of the other one."""
    other_judged: int = 0
    leaning: float = 0.0
    """How much better what was weighed since fits the detector's closest alternative than the limit, in nats;
    above 0, or else the evidence has ended."""


class Watch(Frozen):
    """The state of a watch; it survives a killed worker in the activity's heartbeat."""

    started_at: datetime
    ticks: int = 0
    tracks: dict[str, Track] = {}
    """By stream, and by `stream[cohort]` where it is split."""
    evidence: dict[str, tuple[float, ...]] = {}
    """The detector's statistics, by criterion, and by `criterion[cohort]` where it tests cohorts."""
    weighed: dict[str, tuple[int, int, int, int]] = {}
    """Where two arms are compared, what of each was weighed already (bad and judged of the one, then of the
    other), by the key of their evidence: what is counted of one waits for the other."""
    began: dict[str, Began] = {}
    """By the key of the evidence: only where what was counted since speaks against the limit."""
    at: datetime | None = None
    """The last look."""
    events: tuple[MarkedEvent, ...] = ()
    """External events that went on then."""
    problems: dict[str, str] = {}
    """Why a stream had no data then, by stream."""
    suspect_at: dict[str, datetime] = {}
    """When a criterion was last at the level `hold` or above."""
    breached_at: dict[str, datetime] = {}
    """When a criterion was last at the level `revert`; of zero tolerance: when the last event came."""
    fired_at: dict[str, datetime] = {}
    """When a rule fired last."""
    true_at: dict[str, datetime] = {}
    """When the condition of a rule that fired was true last: it is quiet since then."""
    vetoed_at: dict[str, datetime] = {}
    """Since when a veto's condition is true; a break shorter than the time of quiet is none."""
    standing: Standing = Standing()
    """What the last look said."""
    stood: int = 0
    """Looks that said the same, up to now; only of a watch that was kept before `steady` was."""
    steady: dict[str, int] = {}
    """Looks that said the same of a part of the standing, up to now, by the part's name."""
    told: Standing = Standing()
    """What a transition told last."""
    not_counted: tuple[str, ...] = ()
    """History that was not to be had, and why."""
    until: datetime | None = None
    """When the observation ends that is under way; another attempt at it ends then too."""
