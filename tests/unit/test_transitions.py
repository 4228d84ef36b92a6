"""A watch tells of what changed: a rule at once, anything else once it stands."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from backout.evaluation import Blindness, Evaluation, Factor, Outcome, Verdict, Vetoed
from backout.transitions import STEADY_LOOKS, turned, untold
from backout.watch import Watch
from tests.invariants.properties import quickly

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
CALM = Evaluation(outcome=Outcome.INCONCLUSIVE)
FIRED = Evaluation(outcome=Outcome.FIRED, rule="critical")


def of(verdict: Verdict) -> Evaluation:
    """Return what is said while the criterion of the errors is so."""
    factor = Factor(criterion="errors", verdict=verdict, reason="")
    return Evaluation(outcome=Outcome.INCONCLUSIVE, factors=(factor,))


DOUBTS = {
    "suspect": of(Verdict.SUSPECT),
    "breached": of(Verdict.BREACHED),
    "blind": Evaluation(
        outcome=Outcome.INCONCLUSIVE, blind=(Blindness(source="metrics", criteria=("errors",)),)
    ),
    "vetoed": Evaluation(
        outcome=Outcome.INCONCLUSIVE, vetoed=(Vetoed(rule="critical", veto="wait", until=NINE),)
    ),
}


def told(*said: Evaluation) -> list[bool]:
    """Return which of these looks are told."""
    watch, found = Watch(started_at=NINE), []
    for one in said:
        watch, is_new = turned(watch, one)
        found.append(is_new)
    return found


def test_a_rule_is_told_at_once() -> None:
    assert told(CALM, FIRED) == [False, True]


def test_a_doubt_is_told_once_when_it_stands_and_again_when_it_is_gone() -> None:
    for doubt in DOUBTS.values():
        steady = [doubt] * (STEADY_LOOKS + 3) + [CALM] * (STEADY_LOOKS + 3)
        once = [False, False, False, True, False, False, False]
        assert told(*steady) == once * 2


def test_health_is_no_news() -> None:
    assert told(*[of(Verdict.HEALTHY)] * 10) == [False] * 10


def test_a_doubt_with_other_numbers_is_the_same_doubt() -> None:
    suspect = DOUBTS["suspect"]
    numbers = [
        suspect.model_copy(
            update={"factors": (suspect.factors[0].model_copy(update={"bad": bad, "judged": 100}),)}
        )
        for bad in range(10)
    ]
    assert sum(told(*numbers)) == 1


@given(st.lists(st.sampled_from([CALM, *DOUBTS.values()]), max_size=40))
@quickly
def test_what_comes_and_goes_is_never_told_more_often_than_it_can_stand(said: list[Evaluation]) -> None:
    # Each part of the standing by itself: of these four, and each once in so many looks.
    assert sum(told(*said)) <= len(DOUBTS) * (len(said) // STEADY_LOOKS)


def test_a_criterion_that_hovers_keeps_no_blind_source_from_being_told() -> None:
    suspect = {"factors": DOUBTS["suspect"].factors}
    hovering = [DOUBTS["blind"].model_copy(update=suspect if n % 2 else {}) for n in range(8)]
    assert told(*hovering) == [False, False, False, True, False, False, False, False]


def test_a_watch_that_was_kept_before_parts_were_counted_goes_on_from_its_looks() -> None:
    before, _ = turned(Watch(started_at=NINE), DOUBTS["blind"])
    kept = before.model_copy(update={"steady": {}, "stood": STEADY_LOOKS - 1})
    assert turned(kept, DOUBTS["blind"])[1]


def test_what_fired_while_nobody_was_told_is_forgotten_and_vetoes_are_not() -> None:
    watch = Watch(
        started_at=NINE,
        fired_at={"critical": NINE},
        true_at={"critical": NINE, "veto:wait": NINE},
        vetoed_at={"wait": NINE},
    )
    after = untold(watch)
    assert (after.fired_at, after.true_at, after.vetoed_at) == ({}, {"veto:wait": NINE}, {"wait": NINE})
