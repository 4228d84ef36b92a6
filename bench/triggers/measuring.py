"""Runs: how often a rule reverts a healthy release, and how long it takes to find a bad one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from bench.triggers.rules import SHIPPED, Detector, Evidence, FailureCount, MannWhitney, Rule, Windows
from bench.triggers.traffic import CLEAN, DAY, HOUR, TICK_S, Counts, Stream, Traffic

PER_MINUTE = (10, 100, 500, 1000)
EFFECTS = (2.0, 3.0, 4.5, 5.0, 10.0)
"""Times the usual rate; 4.5 is three times the limit."""
HEALTHY_DAYS = 30
WARM_UP = HOUR
GIVE_UP = DAY

Rules = Mapping[str, Callable[[int], Rule]]
"""Each makes a rule for so many lanes."""

MANN_WHITNEY = "Mann-Whitney every 5 min"
OURS: Rules = {"capped e-SR": Detector}
USUAL_RULES: Rules = {
    "last minute over the limit": lambda lanes: Windows(lanes, minutes=1, k=1, n=1),
    "3 of 3 minutes": lambda lanes: Windows(lanes, minutes=1, k=3, n=3),
    "3 of 5 minutes": lambda lanes: Windows(lanes, minutes=1, k=3, n=5),
    "3 of 3 windows of 5 min": lambda lanes: Windows(lanes, minutes=5, k=3, n=3),
    "more than 3 failed minutes": lambda lanes: FailureCount(lanes, most=3),
    MANN_WHITNEY: MannWhitney,
}


def with_settings(evidence: Evidence) -> Callable[[int], Rule]:
    """Return what makes the detector with these settings."""
    return lambda lanes: Detector(lanes, evidence)


SETTINGS = [
    *(Evidence(false_alarm_d=100.0, sustain_min=minutes) for minutes in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 10.0)),
    *(Evidence(false_alarm_d=days) for days in (10.0, 1000.0)),
]
GRID: Rules = {
    f"{evidence.false_alarm_d:g}d, {evidence.sustain_min:g}m": with_settings(evidence)
    for evidence in SETTINGS
}
SHIPPED_NAME = f"{SHIPPED.false_alarm_d:g}d, {SHIPPED.sustain_min:g}m"
LONGER: Rules = {**OURS, **{f"sustain {m:g}m": with_settings(Evidence(sustain_min=m)) for m in (5.0, 6.0)}}
"""The shipped settings, and what makes false reverts rarer still."""


def arms_for(rules: Rules) -> tuple[float, ...]:
    """Return the share of each arm: a rule that compares gets a baseline beside the release."""
    return (1.0, 1.0) if MANN_WHITNEY in rules else (1.0,)


FalseReverts = dict[int, Counts]
"""By volume: how many false reverts each run had in 30 days; the detector begins anew after each."""


def healthy(rules: Rules, traffic: Traffic, *, runs: int, seed: int) -> dict[str, FalseReverts]:
    """Watch healthy releases for 30 days and count, in each run, how often each rule would have reverted."""
    per_minute = np.repeat(np.array(PER_MINUTE, dtype=float), runs)
    lanes = len(per_minute)
    stream = Stream(traffic, per_minute=per_minute, seed=seed, shares=arms_for(rules))
    made = {name: make(lanes) for name, make in rules.items()}
    reverts = {name: np.zeros(lanes) for name in rules}
    for _ in range(HEALTHY_DAYS * DAY // HOUR):
        block = stream.block(HOUR)
        for name, rule in made.items():
            reverts[name] += rule.fired(block).sum(axis=0)
    return {
        name: dict(zip(PER_MINUTE, found.reshape(-1, runs), strict=True)) for name, found in reverts.items()
    }


Delays = dict[str, dict[tuple[int, float], Counts]]
"""By rule, and by volume and effect: minutes until each run was found; infinite where it was not in a day."""


def delays(rules: Rules, *, runs: int, seed: int, traffic: Traffic = CLEAN) -> Delays:
    """Make releases bad after a healthy hour and count the minutes until each rule fires."""
    cells = [(volume, effect) for volume in PER_MINUTE for effect in EFFECTS]
    volumes, effects = np.repeat(np.array(cells), runs, axis=0).T
    stream = Stream(traffic, per_minute=volumes, seed=seed, shares=arms_for(rules))
    made = {name: make(len(volumes)) for name, make in rules.items()}
    first = {name: np.full(len(volumes), np.inf) for name in rules}
    warm_up = stream.block(WARM_UP)
    for rule in made.values():
        rule.fired(warm_up)
    for begun in range(0, GIVE_UP, HOUR):
        block = stream.block(HOUR, factor=effects)
        for name, rule in made.items():
            if np.isinf(first[name]).any():
                fired = rule.fired(block)
                ticks = np.where(fired.any(axis=0), begun + fired.argmax(axis=0) + 1, np.inf)
                first[name] = np.minimum(first[name], ticks * TICK_S / 60)
    return {name: dict(zip(cells, found.reshape(-1, runs), strict=True)) for name, found in first.items()}


def healthy_evidence(*, runs: int, seed: int) -> dict[int, Counts]:
    """Return the evidence of healthy clean releases at every tick of a day, by volume."""
    detector = Detector(runs * len(PER_MINUTE))
    stream = Stream(CLEAN, per_minute=np.repeat(np.array(PER_MINUTE, dtype=float), runs), seed=seed)
    for _ in range(3):
        detector.evidence(stream.block(WARM_UP))
    found = np.concatenate([detector.evidence(stream.block(HOUR)) for _ in range(DAY // HOUR)])
    return {volume: found[:, n * runs : (n + 1) * runs] for n, volume in enumerate(PER_MINUTE)}
