"""Two arms, cohorts and shares: false reverts within the bound at every base rate; what only they can see."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from numpy.typing import NDArray

from backout import detector
from backout.counting import Totals
from backout.criteria import Criterion
from backout.evaluation import Factor, Verdict
from backout.guard import Guard
from backout.triggers import tick
from backout.watch import Watch
from backout.weighing import needs
from tests.unit.guards import TICK, criterion, guard_of, limit, look_of
from tests.unit.views import OPENED

Counts = NDArray[np.int64]
MINUTE = 4
NEED, TICKS, RUNS = 2000.0, 200, 2000
BOUND = TICKS / NEED
MARGIN = 5 * sqrt(BOUND * (1 - BOUND) / RUNS)
"""Five standard errors: an honest detector is beyond them once in three million seeds."""


def first_alarms(ours: Counts, theirs: Counts, *, ratio: float, need: float, largest: float) -> Counts:
    """Return the tick of each lane's first alarm, or the number of ticks: the formula, many lanes at once.

    The arms are of the shape (ticks, bad or judged, lanes).
    """
    factors = np.array(detector.ALTERNATIVES)[:, None]
    statistics = np.zeros((len(factors), ours.shape[2]))
    first = np.full(ours.shape[2], len(ours))
    for number, ((k, n), (c, m)) in enumerate(zip(ours, theirs, strict=True)):
        both = (n > 0) & (m > 0)
        null = ratio * n / np.maximum(ratio * n + m, 1e-9)
        part = ratio * factors * n / np.maximum(ratio * factors * n + m, 1e-9)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = k * np.log(part / null) + c * np.log((1 - part) / (1 - null))
        grown = (statistics + 1) * np.exp(np.minimum(logs, largest))
        statistics = np.where(both, grown, statistics)
        first = np.minimum(first, np.where(statistics.mean(axis=0) >= need, number, len(ours)))
    return first


def drawn(draw: np.random.Generator, judged: Counts, rate: NDArray[np.float64]) -> Counts:
    return np.stack([draw.binomial(judged, rate), judged], axis=1)


def test_the_formula_over_lanes_is_the_detector() -> None:
    draw = np.random.default_rng(1)
    shape = (200, 4)
    ours = drawn(draw, draw.integers(0, 60, shape), np.array([0.05, 0.1, 0.2, 0.6]))
    theirs = drawn(draw, draw.integers(0, 200, shape), np.array([0.05, 0.05, 0.05, 0.2]))
    found = first_alarms(ours, theirs, ratio=1.5, need=300, largest=1.5)
    for lane in range(4):
        statistics: tuple[float, ...] = detector.NO_EVIDENCE
        alarms = []
        for number in range(200):
            (k, n), (c, m) = ours[number, :, lane].tolist(), theirs[number, :, lane].tolist()
            statistics = detector.advance_against(
                statistics, bad=k, judged=n, other_bad=c, other_judged=m, ratio=1.5, largest=1.5
            )
            alarms += [number] if detector.evidence(statistics) >= 300 else []
        assert found[lane] == min(alarms, default=200)
    assert len(set(found)) > 2


BASE_RATES = [0.01, 0.2, 0.5]
UNCAPPED = 1e9
"""A cap only lowers the evidence, so what holds without one holds with it."""
ARMS = [
    pytest.param(60, 60, id="even arms"),
    pytest.param(10, 110, id="a small release"),
    pytest.param(110, 10, id="a small baseline"),
]


@pytest.mark.parametrize("rate", BASE_RATES)
@pytest.mark.parametrize(("ours", "theirs"), ARMS)
def test_exactly_at_the_ratio_false_reverts_are_within_the_bound_at_every_base_rate(
    ours: int, theirs: int, rate: float
) -> None:
    draw = np.random.default_rng(20261121)
    shape, rates = (TICKS, RUNS), np.full((TICKS, 1), rate)
    release = drawn(draw, draw.poisson(ours, shape), 1.5 * rates)
    baseline = drawn(draw, draw.poisson(theirs, shape), rates)
    first = first_alarms(release, baseline, ratio=1.5, need=NEED, largest=UNCAPPED)
    assert (first < TICKS).mean() <= BOUND + MARGIN


def test_swings_that_both_arms_share_do_not_break_the_bound() -> None:
    draw = np.random.default_rng(20261121)
    shape = (TICKS, RUNS)
    rates = draw.choice([0.001, 0.01, 0.1, 0.4, 0.6], shape)
    release = drawn(draw, draw.poisson(draw.choice([0, 3, 60], shape)), 1.5 * rates)
    baseline = drawn(draw, draw.poisson(draw.choice([0, 30, 60], shape)), rates)
    first = first_alarms(release, baseline, ratio=1.5, need=NEED, largest=UNCAPPED)
    assert (first < TICKS).mean() <= BOUND + MARGIN


def test_the_bound_is_not_met_by_luck_a_release_worse_than_the_ratio_is_found() -> None:
    draw = np.random.default_rng(20261121)
    shape, rates = (TICKS, 500), np.full((TICKS, 1), 0.05)
    release = drawn(draw, draw.poisson(60, shape), 2.5 * rates)
    baseline = drawn(draw, draw.poisson(60, shape), rates)
    first = first_alarms(release, baseline, ratio=1.5, need=NEED, largest=1.5)
    assert (first < TICKS).mean() > 0.9


def test_the_same_through_swapped_arms_for_less_than_a_part() -> None:
    draw = np.random.default_rng(20261121)
    shape, rates = (TICKS, RUNS), np.full((TICKS, 1), 0.6)
    release = drawn(draw, draw.poisson(60, shape), 0.8 * rates)
    baseline = drawn(draw, draw.poisson(60, shape), rates)
    first = first_alarms(baseline, release, ratio=1 / 0.8, need=NEED, largest=UNCAPPED)
    assert (first < TICKS).mean() <= BOUND + MARGIN


def test_five_equal_cohorts_together_stay_within_the_one_bound_of_their_criterion() -> None:
    draw = np.random.default_rng(20261121)
    volumes = np.array([100, 40, 20, 20, 10])
    cohorts = [drawn(draw, draw.poisson(n, (TICKS, RUNS)), np.full((TICKS, 1), 0.05)) for n in volumes]
    everything = np.sum(cohorts, axis=0)
    alarms = [
        first_alarms(one, everything - one, ratio=1, need=5 * NEED, largest=UNCAPPED) < TICKS
        for one in cohorts
    ]
    assert np.any(alarms, axis=0).mean() <= BOUND + MARGIN


def test_shares_at_what_is_tolerated_stay_within_the_one_bound_of_their_criterion() -> None:
    draw = np.random.default_rng(20261121)
    # Two of four categories are exactly as far up as they may be: 0.25 + 0.1.
    shares = draw.multinomial(60, [0.35, 0.35, 0.2, 0.1], (TICKS, RUNS))
    on_bad, on_good = np.array(detector.log_ratios(0.35)).T[:, :, None]
    alarmed = np.zeros(RUNS, dtype=bool)
    for category in range(4):
        statistics = np.zeros((4, RUNS))
        for count in shares[:, :, category]:
            statistics = (statistics + 1) * np.exp(count * on_bad + (60 - count) * on_good)
            alarmed |= statistics.mean(axis=0) >= 4 * NEED
    assert alarmed.mean() <= BOUND + MARGIN


LANGUAGES = {"en": 0.7, "de": 0.2, "fi": 0.1}
OVERALL = limit("overall", test={"compare": "limit", "max": "1.5%"})
GAP = criterion("gap", "errors", {"compare": "gap", "by": "language", "max_ratio": 1.5})


class Served:
    """A release that answers in three languages, 1000 outputs a minute, looked at in every tick."""

    def __init__(self, guard: Guard, *, seed: int) -> None:
        self.guard, self.draw = guard, np.random.default_rng(seed)
        self.watch = Watch(started_at=OPENED)
        self.counts = dict.fromkeys(LANGUAGES, (0, 0))

    def look(self, rates: dict[str, float]) -> dict[str, Factor]:
        for name, part in LANGUAGES.items():
            judged = int(self.draw.poisson(1000 / MINUTE * part))
            bad = int(self.draw.binomial(judged, rates[name]))
            self.counts[name] = (self.counts[name][0] + bad, self.counts[name][1] + judged)
        bad, of = (sum(numbers) for numbers in zip(*self.counts.values(), strict=True))
        totals = {
            "errors": {"": Totals(bad=bad, of=of)},
            "errors/language": {name: Totals(bad=k, of=n) for name, (k, n) in self.counts.items()},
        }
        self.watch, said = tick(self.watch, look_of(self.watch.ticks, **totals), guard=self.guard)
        return {found.criterion: found for found in said.factors}


def test_a_minority_that_fares_three_times_as_badly_is_found_by_the_gap_and_missed_by_the_overall_rate() -> (
    None
):
    found = []
    for seed in range(3):
        served = Served(guard_of(OVERALL, GAP), seed=seed)
        fair = dict.fromkeys(LANGUAGES, 0.01)
        for _ in range(60 * MINUTE):
            assert {one.verdict for one in served.look(fair).values()} <= {Verdict.HEALTHY, Verdict.BLIND}
        ticks = [served.look({**fair, "fi": 0.03}) for _ in range(120 * MINUTE)]
        assert all(factors["overall"].verdict is Verdict.HEALTHY for factors in ticks)
        breached = [n for n, one in enumerate(ticks) if one["gap"].verdict is Verdict.BREACHED]
        assert ticks[breached[0]]["gap"].cohort == "fi"
        found.append(breached[0])
    # Five to ninety minutes: at 100 judged a minute there is no more in the data.
    assert all(5 * MINUTE < ticks < 90 * MINUTE for ticks in found)


def test_through_the_triggers_a_bad_release_is_found_at_the_tick_that_the_formula_says() -> None:
    draw = np.random.default_rng(7)
    compared: Criterion = criterion(
        "c", "errors", {"compare": "baseline", "max_ratio": 1.5, "bad": "b", "of": "o"}
    )
    release = drawn(draw, draw.poisson(60, (200, 1)), np.full((200, 1), 0.06))
    baseline = drawn(draw, draw.poisson(60, (200, 1)), np.full((200, 1), 0.02))
    need, _ = needs(compared, TICK)
    largest = detector.cap(need, compared.evidence.sustain / TICK)
    (first,) = first_alarms(release, baseline, ratio=1.5, need=need, largest=largest)
    assert 16 <= first < 199
    guard, watch, verdicts = guard_of(compared), Watch(started_at=OPENED), []
    ours, theirs = (np.cumsum(arm[:, :, 0], axis=0) for arm in (release, baseline))
    for number in range(-1, 200):
        shown = {
            key: Totals(bad=arm[number, 0] if number >= 0 else 0, of=arm[number, 1] if number >= 0 else 0)
            for key, arm in (("errors", ours), ("c@baseline", theirs))
        }
        watch, said = tick(watch, look_of(watch.ticks, **shown), guard=guard)
        verdicts.append(said.factors[0].verdict)
    assert verdicts.index(Verdict.BREACHED) == first + 1
