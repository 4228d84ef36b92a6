"""What the bench runs, each part in a process of its own."""

from __future__ import annotations

from concurrent.futures import Future, ProcessPoolExecutor

from bench.triggers import forms
from bench.triggers.measuring import (
    GRID,
    LONGER,
    OURS,
    USUAL_RULES,
    Delays,
    FalseReverts,
    delays,
    healthy,
    healthy_evidence,
)
from bench.triggers.traffic import CLEAN, REALISTIC, ROUGH, STEADY, Counts, Traffic

SEED = 20261121
RUN_SETS = {"ours": OURS, "usual": {**OURS, **USUAL_RULES}, "grid": GRID, "longer": LONGER}
"""Rules by name: a function cannot travel to another process, its name can."""


def healthy_of(rules: str, traffic: Traffic, runs: int) -> dict[str, FalseReverts]:
    """Count false reverts in a process of its own."""
    return healthy(RUN_SETS[rules], traffic, runs=runs, seed=SEED)


def delays_of(rules: str, traffic: Traffic, runs: int) -> Delays:
    """Measure delays in a process of its own."""
    return delays(RUN_SETS[rules], traffic=traffic, runs=runs, seed=SEED)


class Plan:
    """Every run of the bench, under way in other processes."""

    def __init__(self, pool: ProcessPoolExecutor, *, share: float) -> None:
        """Start them, the longest first; `share` of the full number of runs."""
        many, some, few = (max(5, round(share * runs)) for runs in (300, 100, 40))
        kinds = {**dict.fromkeys(STEADY, many), **dict.fromkeys(ROUGH, some)}
        del kinds[REALISTIC]
        self.longer = pool.submit(healthy_of, "longer", REALISTIC, many)
        self.grid = pool.submit(healthy_of, "grid", REALISTIC, few)
        self.ours = {kind: pool.submit(healthy_of, "ours", kind, runs) for kind, runs in kinds.items()}
        self.usual = {kind: pool.submit(healthy_of, "usual", kind, few // 2) for kind in (CLEAN, REALISTIC)}
        self.delays: Future[Delays] = pool.submit(delays_of, "usual", CLEAN, many)
        self.rough_delays: Future[Delays] = pool.submit(delays_of, "ours", REALISTIC, many)
        self.evidence: Future[dict[int, Counts]] = pool.submit(healthy_evidence, runs=some, seed=SEED)
        self.grid_delays: Future[Delays] = pool.submit(delays_of, "grid", CLEAN, some)
        self.forms = {
            kind: [
                pool.submit(forms.measured, kind, number, runs=many, seed=SEED)
                for number in range(len(some_forms))
            ]
            for kind, some_forms in forms.ALL.items()
        }
        self.event = pool.submit(forms.looks_until_an_event_fires, runs=some, seed=SEED)
