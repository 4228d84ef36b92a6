"""Zero tolerance: one event is a breach, also where its counter begins with it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from backout.counting import Look, Totals
from backout.evaluation import Evaluation, Outcome, Verdict
from backout.triggers import recovery, tick
from backout.watch import Watch
from tests.unit.guards import TICK, Eye, criterion, guard_of, limit
from tests.unit.views import OPENED

SEVERE = criterion("severe-output", "severe", {"compare": "event"})


def test_one_event_is_a_breach_at_once_and_for_good() -> None:
    eye = Eye(guard_of(SEVERE))
    said = eye.see({"severe": (0, 0)}, times=5)
    assert said.factors[0].verdict is Verdict.HEALTHY
    said = eye.see({"severe": (1, 1)})
    assert (said.outcome, said.rule) == (Outcome.FIRED, "every")
    assert said.reasons == ("severe-output: 1 event since the watch began, one is too many",)
    assert eye.see({}, times=20).factors[0].verdict is Verdict.BREACHED


def test_an_event_that_a_rule_fired_for_makes_no_rule_that_only_an_observer_would_fire() -> None:
    watched = limit("watched", signal="slow", mode="observe")
    eye = Eye(guard_of(SEVERE, watched))
    eye.see({"severe": (0, 0), "slow": (0, 100)}, times=3)
    assert eye.see({"severe": (1, 1), "slow": (0, 100)}).outcome is Outcome.FIRED
    assert eye.see({"severe": (0, 0), "slow": (0, 100)}, times=3).observed == ()


def test_events_from_before_the_watch_are_not_its_own() -> None:
    assert Eye(guard_of(SEVERE)).see({"severe": (0, 0)}, times=3).factors[0].verdict is Verdict.HEALTHY


def test_a_counter_of_events_that_stands_still_is_data_and_one_that_does_not_answer_is_none() -> None:
    eye = Eye(guard_of(SEVERE))
    assert eye.see({}).factors[0].verdict is Verdict.BLIND
    assert eye.see({"severe": (0, 0)}, times=50).factors[0].verdict is Verdict.HEALTHY
    silent = [eye.see({}).factors[0].verdict for _ in range(4)]
    assert silent == [Verdict.HEALTHY] * 3 + [Verdict.BLIND]


def test_recovery_is_a_window_with_data_and_without_an_event() -> None:
    eye = Eye(guard_of(SEVERE), keep=5)
    shown = [recovery(eye.watch, guard=eye.guard).outcome]
    for growth in ({"severe": (0, 0)}, {"severe": (2, 2)}, *[{"severe": (0, 0)}] * 5):
        eye.see(growth)
        shown.append(recovery(eye.watch, guard=eye.guard).outcome)
    blind, clear, fired = Outcome.INCONCLUSIVE, Outcome.CLEAR, Outcome.FIRED
    assert shown == [blind, clear, *[fired] * 5, clear]
    eye.see({}, times=4)
    assert recovery(eye.watch, guard=eye.guard).outcome is blind


ABSENT, REFUSED, SILENT = "absent", "refused", "silent"
"""The source answers and has no such counter; it has a problem; there is no word of it."""
NOT_A_NUMBER = float("nan")
Shown = Sequence[str | float]


def look(number: int, shown: str | float) -> Look:
    """Return a look at a counter of events that stands there, or why it does not."""
    counts = Totals(bad=shown, of=shown) if isinstance(shown, int | float) else None
    return Look(
        at=OPENED + number * TICK,
        totals={} if shown == SILENT else {"severe": {"": counts} if counts else {}},
        problems={"severe": "connection refused"} if shown == REFUSED else {},
    )


def told(*shown: str | float) -> tuple[Watch, list[Evaluation]]:
    watch, found, guard = Watch(started_at=OPENED), [], guard_of(SEVERE)
    for number, one in enumerate(shown):
        watch, said = tick(watch, look(number, one), guard=guard, keep=40)
        found.append(said)
    return watch, found


def test_the_first_event_counts_where_its_counter_begins_with_it() -> None:
    watch, (*_, blind, said) = told(ABSENT, ABSENT, 1)
    assert blind.factors[0].verdict is Verdict.BLIND
    assert (said.outcome, said.factors[0].bad, said.not_counted) == (Outcome.FIRED, 1, ())
    assert recovery(watch, guard=guard_of(SEVERE)).outcome is Outcome.FIRED
    watch, (*_, said) = told(ABSENT, 3, 5)
    assert said.factors[0].bad == 5


BEFORE: dict[str, Shown] = {
    "no look": [],
    "a source with a problem": [REFUSED],
    "a source that had none of it, and then a problem": [ABSENT, REFUSED],
    "no word of it": [ABSENT, SILENT],
    "not a number": [NOT_A_NUMBER],
    "none of it, and then not a number": [ABSENT, NOT_A_NUMBER],
}


@pytest.mark.parametrize("case", BEFORE)
def test_events_that_may_be_older_than_the_watch_are_only_where_it_begins_after(case: str) -> None:
    _, (*_, said) = told(*BEFORE[case], 2)
    assert (said.factors[0].verdict, said.factors[0].bad) == (Verdict.HEALTHY, 0)
    assert said.not_counted == ("severe: 2 events may be older than the watch; only those after them count",)
    _, (*_, said) = told(*BEFORE[case], 2, 3)
    assert (said.factors[0].verdict, said.factors[0].bad, said.not_counted) == (Verdict.BREACHED, 1, ())


def test_a_counter_that_is_first_seen_at_zero_is_nothing_to_tell() -> None:
    _, found = told(REFUSED, 0)
    assert found[-1].not_counted == ()


def test_a_counter_that_was_away_is_not_counted_twice() -> None:
    _, (*_, said) = told(ABSENT, 0, ABSENT, 0, 2, ABSENT, ABSENT, 2)
    assert said.factors[0].bad == 2
    _, (*_, said) = told(4, ABSENT, 4)
    assert said.factors[0].bad == 0


def test_a_source_that_has_no_such_counter_is_blind_and_that_is_told() -> None:
    _, found = told(*[ABSENT] * 4)
    assert {said.factors[0].verdict for said in found} == {Verdict.BLIND}
    assert found[-1].blind[0].why == "it has counted nothing yet"
    _, found = told(*[SILENT] * 4)
    assert found[-1].blind[0].why == "it gave no data"


def test_only_counters_of_events_begin_at_zero() -> None:
    limit = criterion("it", "severe", {"compare": "limit", "max": "1%"})
    guard = guard_of(limit)
    ratio = guard_of(limit.model_copy(update={"signal": "errors"})).signals["errors"]
    guard = guard.model_copy(update={"signals": {"severe": ratio}})
    watch, _ = tick(Watch(started_at=OPENED), look(0, ABSENT), guard=guard)
    _, said = tick(watch, look(1, 5), guard=guard)
    assert (said.factors[0].judged, said.not_counted) == (0, ())
