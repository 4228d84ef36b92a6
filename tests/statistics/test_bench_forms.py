"""The other forms of the benchmark, over many lanes at once, are those of the triggers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from backout import detector, triggers
from backout.counting import Look, Totals
from backout.criteria import BaselineTest, Criterion, DriftTest, GapTest, LimitTest, Test
from backout.evaluation import Outcome
from backout.guard import Guard
from backout.rules import AnyOf, AtLeast, Condition, Rule
from backout.signals import DistributionSignal, Family, RatioSignal, Signal
from backout.watch import Watch
from bench.triggers import forms
from bench.triggers.forms_rules import (
    TWO_SUSPECT,
    Against,
    ArmsRule,
    Baseline,
    Combined,
    Drift,
    Gap,
)
from bench.triggers.traffic import DAY, HOUR, LIMIT, TICK_S, Arm, Counts

TICK = timedelta(seconds=TICK_S)
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
RATIO = RatioSignal(kind="ratio", source="m", family=Family.QUALITY, bad="bad", of="of")
TOPIC = DistributionSignal(kind="distribution", source="m", family=Family.QUALITY, of="of", by="topic")
Series = list[tuple[Counts, Counts]]
"""Bad and judged of each arm, in one lane."""


def drawn(seed: int, *arms: tuple[float, float], ticks: int = 400) -> Series:
    """Draw arms of a volume in each tick and a rate."""
    draw = np.random.default_rng(seed)
    judged = [draw.poisson(volume, ticks) for volume, _ in arms]
    return [
        (draw.binomial(n, rate).astype(float), n.astype(float))
        for n, (_, rate) in zip(judged, arms, strict=True)
    ]


def guard(test: Test, *, signals: dict[str, Signal] | None = None, when: Condition | None = None) -> Guard:
    signals = signals or {"s0": RATIO}
    return Guard(
        tick=TICK,
        signals=signals,
        criteria=tuple(
            Criterion(id=f"c{n}", signal=name, test=test, min_sample=1) for n, name in enumerate(signals)
        ),
        rules=(Rule(id="r", when=when or AnyOf(any_of=("c0",))),),
    )


def watches(rules: Guard, series: Series, keys: Sequence[tuple[str, str]]) -> list[tuple[Watch, bool]]:
    """Return the watch after each tick, and whether a rule fired; `keys` are each arm's stream and cohort."""
    watch, found = Watch(started_at=BEGUN), []
    sums = [(np.append(0, bad.cumsum()), np.append(0, judged.cumsum())) for bad, judged in series]
    for tick in range(len(series[0][0]) + 1):
        totals: dict[str, dict[str, Totals]] = {}
        for (stream, cohort), (bad, judged) in zip(keys, sums, strict=True):
            totals.setdefault(stream, {})[cohort] = Totals(bad=float(bad[tick]), of=float(judged[tick]))
        watch, said = triggers.tick(watch, Look(at=BEGUN + tick * TICK, totals=totals), guard=rules)
        found.append((watch, said.outcome is Outcome.FIRED))
    return found[1:]


def first_fired(found: list[tuple[Watch, bool]]) -> int:
    return [fired for _, fired in found].index(True)


def first_in_lanes(rule: ArmsRule, series: Series) -> int:
    halves = [
        rule.fired([Arm(bad[part, None], judged[part, None]) for bad, judged in series])
        for part in (slice(0, 100), slice(100, None))
    ]
    return int(np.concatenate(halves)[:, 0].argmax())


BASELINE = guard(BaselineTest(compare="baseline", max_ratio=1.5, bad="b", of="o"))
GAP = guard(GapTest(compare="gap", by="language", max_ratio=1.5))
DRIFT = guard(
    DriftTest(compare="drift", reference={"a": 0.7, "b": 0.2, "c": 0.1}, max_rise=0.05),
    signals={"s0": TOPIC},
)
COMBINED = guard(
    LimitTest(compare="limit", max=LIMIT),
    signals={f"s{n}": RATIO for n in range(3)},
    when=AtLeast(at_least=2, of=("c0", "c1", "c2"), level="hold", within=timedelta(minutes=15)),
)


def topics() -> Series:
    draw = np.random.default_rng(7)
    counts = draw.multinomial(25, [0.6, 0.2, 0.2], 400).astype(float).T
    return [(count, counts.sum(axis=0)) for count in counts]


@pytest.mark.parametrize(
    ("rules", "rule", "series", "keys"),
    [
        pytest.param(
            BASELINE,
            Baseline(1),
            drawn(2, (25, 0.05), (25, 0.01)),
            [("s0", ""), ("c0@baseline", "")],
            id="two arms",
        ),
        pytest.param(
            GAP,
            Gap(1, cohorts=3),
            drawn(3, (0.8, 0.2), (20, 0.01), (20, 0.01)),
            [("s0/language", name) for name in "abc"],
            id="a gap of cohorts that are often silent",
        ),
        pytest.param(
            DRIFT, Drift(1, limits=[0.75, 0.25, 0.15]), topics(), [("s0", n) for n in "abc"], id="drift"
        ),
        pytest.param(
            COMBINED,
            Combined(1, parts=[TWO_SUSPECT]),
            drawn(5, (25, 0.04), (25, 0.03), (25, 0.01)),
            [("s0", ""), ("s1", ""), ("s2", "")],
            id="two of three suspect",
        ),
    ],
)
def test_a_form_over_lanes_fires_in_the_tick_in_which_the_triggers_do(
    rules: Guard, rule: ArmsRule, series: Series, keys: list[tuple[str, str]]
) -> None:
    first = first_fired(watches(rules, series, keys))
    assert first > 0
    assert first_in_lanes(rule, series) == first


def test_the_evidence_of_two_arms_over_lanes_is_that_of_the_triggers_and_what_is_alone_waits() -> None:
    series = drawn(6, (0.7, 0.03), (0.9, 0.02), (12, 0.01), ticks=200)
    bad, judged = (np.stack([arm[part] for arm in series])[:, :, None] for part in (0, 1))
    against = Against(1, cells=3)
    found = watches(GAP, series, [("s0/language", name) for name in "abc"])
    for tick, (watch, _) in enumerate(found):
        k, n = bad[:, tick], judged[:, tick]
        evidence = against.evidence(np.stack([k, n, k.sum(axis=0) - k, n.sum(axis=0) - n]))
        for cell, name in enumerate("abc"):
            assert evidence[cell, 0] == pytest.approx(detector.evidence(watch.evidence[f"c0[{name}]"]))


def test_two_suspicions_that_lie_too_far_apart_do_not_combine() -> None:
    bad, quiet = np.full((16, 1), 40.0), np.zeros((16, 1))
    none = Arm(np.zeros((90, 1)), np.full((90, 1), 40.0))
    one, other = ([Arm(bad, bad), Arm(quiet, bad)], [Arm(quiet, bad), Arm(bad, bad)])
    near, far = (Combined(1, parts=[TWO_SUSPECT], signals=2) for _ in range(2))
    assert not near.fired(one).any()
    assert near.fired(other).any()
    assert not far.fired(one).any()
    assert not far.fired([none, none]).any()
    assert not far.fired(other).any()


def test_only_the_arms_that_are_hit_become_bad_and_each_has_its_share_of_the_volume() -> None:
    world = forms.Arms(np.full(50, 500.0), 1, traffic=forms.DIURNAL, shares=(0.1, 0.9), hit=1)
    arms = [world.arms(HOUR, factor=3.0) for _ in range(24)]
    bad, judged = ([sum(one[arm][part].sum() for one in arms) for arm in (0, 1)] for part in (0, 1))
    assert judged[0] / sum(judged) == pytest.approx(0.1, rel=0.02)
    assert bad[0] / judged[0] == pytest.approx(3 * bad[1] / judged[1], rel=0.05)


def test_each_signal_has_blips_of_its_own() -> None:
    arms = forms.Signals(np.full(20, 500.0), 1, hit=0).arms(DAY, factor=1.0)
    first, second, _ = (arm.bad > 0.2 * np.maximum(arm.judged, 50) for arm in arms)
    assert first.sum() > 100
    assert (first & second).sum() < 0.1 * first.sum()


def test_the_share_of_the_last_category_rises_at_the_cost_of_the_others() -> None:
    world = forms.Topics(np.full(40, 500.0), 1)
    arms = [world.arms(HOUR, factor=2.0) for _ in range(24)]
    counts = [sum(one[category].bad.sum() for one in arms) for category in range(5)]
    assert sum(counts) == sum(one[0].judged.sum() for one in arms)
    shares = [count / sum(counts) for count in counts]
    assert shares == pytest.approx([0.379, 0.284, 0.142, 0.095, 0.1], abs=0.002)


def test_an_event_of_zero_tolerance_fires_in_the_look_that_shows_it() -> None:
    assert forms.looks_until_an_event_fires(runs=3, seed=1) == [1, 1, 1]
