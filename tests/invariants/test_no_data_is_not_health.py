"""No data is not health. A blind signal never counts as healthy, and never alone as a breach."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from backout.commands import status_text
from backout.counters import difference
from backout.counting import Totals
from backout.criteria import Criterion
from backout.details import page
from backout.evaluation import Evaluation, Outcome, Verdict
from backout.guard import Guard
from backout.triggers import recovery, tick
from backout.watch import Watch
from backout.weighing import BLIND_AFTER_TICKS
from tests.invariants.properties import quickly
from tests.unit.guards import guard_of, limit, look_of, rule
from tests.unit.views import OPENED, empty_view

CRITERION = limit(
    "limit",
    min_sample=50,
    # Small numbers, so that honest traffic soon reaches every verdict.
    evidence={"false_alarm": "30m", "false_hold": "5m", "sustain": "45s"},
)
INF, NAN = float("inf"), float("nan")
NONSENSE = st.sampled_from([None, NAN, INF, -INF, -1.0, -1e300])
COUNTS = st.floats(min_value=0, max_value=1e9)
BAD_LOOKS = st.tuples(NONSENSE, NONSENSE | COUNTS) | st.tuples(NONSENSE | COUNTS, NONSENSE)
"""What a source says when it has no data, or talks nonsense, about one number at least."""
GOOD_TICKS = st.lists(
    st.sampled_from([(0, 0), (0, 100), (1, 100), (3, 100), (40, 100), (100, 100), (0, 3000)]), max_size=12
)
Look = tuple[float | None, float | None]


def grown(ticks: list[tuple[int, int]]) -> list[Look]:
    """Return looks at honest counters that grow by these ticks."""
    bad, judged = 1000, 90_000
    looks: list[Look] = [(bad, judged)]
    for more_bad, more_judged in ticks:
        bad, judged = bad + more_bad, judged + more_judged
        looks.append((bad, judged))
    return looks


class Seen(NamedTuple):
    watch: Watch
    said: Evaluation
    guard: Guard


def watched(looks: list[Look], *more: Criterion) -> Seen:
    """Look at all this; a rule says what it says as if it had never fired."""
    guard = guard_of(CRITERION, *more, rules=[rule("r", "limit")])
    watch, said = Watch(started_at=OPENED), Evaluation(outcome=Outcome.INCONCLUSIVE)
    for number, (bad, of) in enumerate(looks):
        untold = watch.model_copy(update={"fired_at": {}, "true_at": {}})
        look = look_of(number, errors=Totals(bad=bad, of=of))
        watch, said = tick(untold, look, guard=guard, keep=40)
    return Seen(watch, said, guard)


def fires(seen: Seen) -> Evaluation:
    return seen.said


def recovers(seen: Seen) -> Evaluation:
    return recovery(seen.watch, guard=seen.guard)


@given(st.lists(BAD_LOOKS, min_size=1, max_size=30))
@quickly
def test_from_no_data_nothing_follows(looks: list[Look]) -> None:
    watch = watched(looks)
    for said in (fires(watch), recovers(watch)):
        assert said.outcome is Outcome.INCONCLUSIVE
        assert said.factors[0].verdict is Verdict.BLIND
        assert said.factors[0].rate is None


@given(GOOD_TICKS, st.lists(st.tuples(st.integers(0, 12), BAD_LOOKS), max_size=20))
@quickly
def test_gaps_and_nonsense_anywhere_change_no_number_and_make_no_verdict_healthier(
    ticks: list[tuple[int, int]], gaps: list[tuple[int, Look]]
) -> None:
    honest = grown(ticks)
    gappy = list(honest)
    for position, look in gaps:
        gappy.insert(position, look)
    before, after = fires(watched(honest)).factors[0], fires(watched(gappy)).factors[0]
    assert (after.bad, after.judged, after.evidence) == (before.bad, before.judged, before.evidence)
    assert after.verdict in {before.verdict, Verdict.BLIND}


@given(GOOD_TICKS, BAD_LOOKS)
@quickly
def test_a_source_that_falls_silent_is_blind_soon_however_well_it_looked(
    ticks: list[tuple[int, int]], look: Look
) -> None:
    seen = fires(watched(grown(ticks)))
    silent = watched([*grown(ticks), *[look] * BLIND_AFTER_TICKS])
    assert recovers(silent).outcome is Outcome.INCONCLUSIVE
    if seen.outcome is not Outcome.FIRED:
        assert fires(silent).outcome is Outcome.INCONCLUSIVE
        assert fires(silent).factors[0].verdict is Verdict.BLIND


@given(COUNTS, COUNTS, COUNTS, COUNTS)
@quickly
def test_a_counter_that_fell_adds_at_most_what_it_shows(
    bad: float, of: float, bad_now: float, of_now: float
) -> None:
    reading = difference(Totals(bad=bad, of=of), Totals(bad=bad_now, of=of_now))
    assert 0 <= reading.bad <= reading.judged
    if of_now < of:
        assert reading.judged <= round(of_now)
    if bad_now < bad:
        assert reading.bad <= round(bad_now)


@given(st.lists(st.sampled_from([(0, 100), (1, 100)]), min_size=1, max_size=12))
@quickly
def test_one_blind_criterion_keeps_all_others_from_being_clear(ticks: list[tuple[int, int]]) -> None:
    seen = watched(grown(ticks), CRITERION.model_copy(update={"id": "blind", "signal": "unseen"}))
    assert recovers(seen).outcome is not Outcome.CLEAR
    assert fires(seen).outcome is not Outcome.CLEAR


def test_an_exposure_that_nobody_has_read_is_not_shown_as_none() -> None:
    brief = empty_view()
    assert "not read yet" in page(brief)
    assert "Exposure: unknown." in status_text(brief)
