"""For what the watch of a release calls people, and how often."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import pytest

from backout.counting import Totals
from backout.evaluation import Evaluation, Outcome
from backout.requests import Observation
from backout.watch import Track
from tests.unit.observed import BOOK, FIRED, MINUTE, NEW, NINE, after, blind, guard, observed


def test_blindness_before_the_first_data_is_no_transition_and_calls_nobody() -> None:
    unseen = observed(blind(), judged=0, told=("metrics",))
    waiting = after(unseen)
    assert (waiting.state(BOOK.rearm), waiting.transitions) == ("waiting", ())
    assert waiting.causes(unseen, now=NINE) == ()


def test_a_source_that_never_gave_data_is_said_at_once_and_calls_people_once_after_an_hour() -> None:
    unseen, late = (
        observed(blind(), judged=0, told=("metrics",), after=after_so_long)
        for after_so_long in (timedelta(minutes=59), timedelta(hours=1))
    )
    waiting = after(unseen)
    assert guard().view(waiting).trouble.startswith("source metrics gives no data since 2026-01-05 09:00:00")
    assert waiting.lasting(BOOK) == timedelta(hours=1)
    assert waiting.causes(unseen, now=NINE) == ()
    causes = waiting.causes(late, now=NINE)
    assert [cause.what for cause in causes] == ["blind metrics"]
    assert waiting.calling(causes, late.evaluation).causes(late, now=NINE) == ()
    assert guard().view(waiting.heard(observed(), now=NINE)).trouble == ""


def test_a_source_that_never_could_be_asked_calls_people_after_an_hour() -> None:
    waiting = NEW.blinded("Unknown source", BOOK, now=NINE)
    unknown = Observation(evaluation=blind(), ticks=0)
    assert waiting.causes(unknown, now=NINE + timedelta(minutes=59)) == ()
    assert [cause.what for cause in waiting.causes(unknown, now=NINE + timedelta(hours=1))] == [
        "blind metrics"
    ]


def test_a_call_that_did_not_come_through_is_tried_again_with_its_evidence_and_is_said() -> None:
    fired, quiet = observed(FIRED, fired_at=NINE), observed(after=2 * MINUTE)
    guarded = NEW.heard(fired, now=NINE)
    owing = guarded.owing(guarded.causes(fired, now=NINE), fired).heard(quiet, now=NINE)
    said = "people could not be called for rule critical; trying again"
    assert guard().view(owing).trouble == said
    assert owing.lasting(BOOK) == 8 * BOOK.tick
    causes = owing.causes(quiet, now=NINE)
    assert [cause.what for cause in causes] == ["rule critical"]
    assert owing.evidence(quiet).evaluation == FIRED
    again = owing.owing(causes, quiet)
    assert again.evidence(quiet).evaluation == FIRED
    called = again.calling(causes, quiet.evaluation)
    assert called.causes(quiet, now=NINE) == ()
    assert guard().view(called).trouble == ""


def test_a_counter_of_rare_events_that_stands_still_is_data_and_its_silence_calls_people() -> None:
    seen = observed(judged=0)
    assert seen.watch
    still = {"errors": Track(totals=Totals(bad=0, of=0), seen_at=NINE)}
    guarded = NEW.heard(
        seen.model_copy(update={"watch": seen.watch.model_copy(update={"tracks": still})}), now=NINE
    )
    assert guarded.state(BOOK.rearm) == "watching"
    assert [cause.what for cause in guarded.causes(observed(blind()), now=NINE)] == ["blind metrics"]


def test_a_firing_calls_people_once_and_the_next_one_calls_them_again() -> None:
    first, second = (observed(FIRED, fired_at=NINE + n * MINUTE) for n in (1, 90))
    (cause,) = NEW.heard(first, now=NINE).causes(first, now=NINE)
    assert (cause.what, cause.since, cause.why) == ("rule critical", NINE + MINUTE, "error_rate: 30 %")
    assert after(first).causes(first, now=NINE) == ()
    assert [one.since for one in after(first).causes(second, now=NINE)] == [NINE + 90 * MINUTE]


@pytest.mark.parametrize(
    ("do", "called"), [("report", []), ("page", ["blind metrics"]), ("hold", ["blind metrics"])]
)
def test_blindness_calls_people_where_its_criteria_want_it(
    do: Literal["report", "page", "hold"], called: list[str]
) -> None:
    causes = after(observed()).causes(observed(blind(do)), now=NINE)
    assert [cause.what for cause in causes] == called


def test_a_source_that_stays_blind_is_one_cause_until_it_sees_again() -> None:
    unseen = observed(blind(), told=("metrics",))
    assert after(observed(), unseen).causes(unseen, now=NINE) == ()
    assert len(after(observed(), unseen, observed()).causes(unseen, now=NINE)) == 1


def test_all_blind_sources_are_called_for_together() -> None:
    both = Evaluation(outcome=Outcome.INCONCLUSIVE, blind=(*blind().blind, *blind(source="judges").blind))
    causes = after(observed()).causes(observed(both), now=NINE)
    assert [cause.what for cause in causes] == ["blind metrics", "blind judges"]
    assert "source metrics gives no data since 2026-01-05 09:00:00 UTC (down)" in causes[0].why
