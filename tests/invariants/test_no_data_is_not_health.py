"""No data is not health. A blind signal never counts as healthy, and never alone as a breach."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from backout.commands import status_text
from backout.counting import Totals
from backout.criteria import Criterion
from backout.details import page
from backout.evaluation import Evaluation, Outcome, Verdict
from backout.rules import Rule
from backout.triggers import BLIND_AFTER_TICKS, advance, breach, difference, recovery
from backout.watch import Watch
from tests.invariants.properties import quickly
from tests.unit.views import OPENED, empty_view

TICK = timedelta(seconds=15)
CRITERION = Criterion.model_validate(
    {
        "id": "limit",
        "signal": "errors",
        "test": {"compare": "limit", "max": "1%"},
        "min_sample": 50,
        # Small numbers, so that honest traffic soon reaches every verdict.
        "evidence": {"false_alarm": "30m", "false_hold": "5m", "sustain": "45s"},
    }
)
RULE = Rule.model_validate({"id": "r", "when": {"any_of": ["limit"]}, "authority": "auto"})
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


def watched(looks: list[Look], *, keep: int = 40) -> Watch:
    watch = Watch(started_at=OPENED)
    for bad, of in looks:
        seen = {"errors": Totals(bad=bad, of=of)}
        watch = advance(watch, seen, criteria=(CRITERION,), tick=TICK, keep=keep)
    return watch


def fires(watch: Watch) -> Evaluation:
    return breach(watch, criteria=(CRITERION,), rules=(RULE,), firing=(), tick=TICK)


def recovers(watch: Watch) -> Evaluation:
    return recovery(watch, criteria=(CRITERION,))


@given(st.lists(BAD_LOOKS, max_size=30))
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
    blind = CRITERION.model_copy(update={"id": "blind", "signal": "unseen"})
    watch, criteria = watched(grown(ticks)), (CRITERION, blind)
    assert recovery(watch, criteria=criteria).outcome is not Outcome.CLEAR
    said = breach(watch, criteria=criteria, rules=(RULE,), firing=(), tick=TICK)
    assert said.outcome is not Outcome.CLEAR


def test_an_exposure_that_nobody_has_read_is_not_shown_as_none() -> None:
    brief = empty_view()
    assert "not read yet" in page(brief)
    assert "Exposure: unknown." in status_text(brief)
