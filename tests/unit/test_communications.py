"""When notices are due: on the grid that the playbook draws, never twice, never in the past, with an end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from backout.communications import AT_HAND, Communication, Owed
from tests.invariants.properties import widely

BEGAN = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
MINUTES = st.integers(min_value=1, max_value=3000).map(lambda number: timedelta(minutes=number))


def communication(**changes: object) -> Communication:
    """Return an hourly update to customers, with these fields changed."""
    fields: dict[str, object] = {
        "id": "updates",
        "audience": "customers",
        "channel": "status-page",
        "template": "customers",
        "owner": "product",
        "after": "reverting",
        "within": "30m",
        "every": "1h",
        "until": "closed",
    }
    return Communication.model_validate({**fields, **changes})


@widely
@given(
    within=MINUTES,
    every=MINUTES,
    approved=st.booleans(),
    pauses=st.lists(st.timedeltas(timedelta(0), timedelta(days=9)), min_size=1, max_size=30),
)
def test_due_times_are_on_the_grid_in_order_and_never_over_when_they_are_set(
    *, within: timedelta, every: timedelta, approved: bool, pauses: list[timedelta]
) -> None:
    what = communication(within=within, every=every, needs_approval=approved)
    now, owed = BEGAN, what.begun(BEGAN)
    seen = [owed]
    for pause in pauses:
        now += pause
        before, owed = owed, what.following(owed, now, sent=True)
        assert owed.due > now
        assert owed.due - before.due <= max(every, now - before.due + every)
        seen.append(owed)
    assert all((one.due - BEGAN - within) % every == timedelta(0) for one in seen)
    assert all(after.due > before.due for before, after in pairwise(seen))
    assert [one.number for one in seen] == list(range(1, len(seen) + 1))
    assert [one.sent for one in seen] == list(range(len(seen)))
    assert all(what.drafted_at(one) <= one.due for one in seen)
    assert all(what.drafted_at(after) >= before.due for before, after in pairwise(seen))


def test_the_first_is_drafted_at_once_and_the_next_ones_as_long_before_they_are_due() -> None:
    what = communication(needs_approval=True)
    first = what.begun(BEGAN)
    second = what.following(first, BEGAN, sent=True)
    assert (what.drafted_at(first), first.due) == (BEGAN, BEGAN + timedelta(minutes=30))
    assert what.drafted_at(second) == second.due - timedelta(minutes=30)


def test_who_has_longer_than_the_series_pauses_has_the_whole_pause() -> None:
    what = communication(needs_approval=True, within="3h")
    first = what.begun(BEGAN)
    second = what.following(first, BEGAN, sent=True)
    assert what.drafted_at(second) == first.due


def test_what_waits_for_nobody_is_drafted_a_moment_before_it_is_due() -> None:
    what = communication()
    second = what.following(what.begun(BEGAN), BEGAN, sent=True)
    assert what.drafted_at(second) == second.due - AT_HAND


def test_due_times_that_passed_meanwhile_are_not_made_up_for() -> None:
    what = communication()
    owed = what.following(what.begun(BEGAN), BEGAN + timedelta(hours=5), sent=True)
    assert owed.due == BEGAN + timedelta(hours=5, minutes=30)
    assert owed.number == 2


def test_what_is_sent_once_is_done_after_that() -> None:
    what = communication(every=None)
    assert what.following(what.begun(BEGAN), BEGAN, sent=True) == Owed(
        due=BEGAN + timedelta(minutes=30), sent=1, done=True
    )


def test_the_last_word_comes_no_later_than_what_was_promised_and_ends_the_series() -> None:
    what = communication()
    owed = what.following(what.begun(BEGAN), BEGAN, sent=True)
    soon = what.last_word(owed, BEGAN + timedelta(minutes=80))
    assert soon.due == BEGAN + timedelta(minutes=90)
    assert what.last_word(owed, BEGAN + timedelta(minutes=31)).due == BEGAN + timedelta(minutes=61)
    assert what.following(soon, soon.due, sent=True).done


def test_the_last_word_after_an_overdue_one_has_its_own_time() -> None:
    what = communication()
    overdue = what.begun(BEGAN).model_copy(update={"overdue": True})
    last = what.last_word(overdue, BEGAN + timedelta(hours=2))
    assert (last.due, last.overdue) == (BEGAN + timedelta(hours=2, minutes=30), False)


@pytest.mark.parametrize("field", [{"approve_by": ["product"]}, {"quorum": 2}, {"required": ["legal"]}])
def test_votes_mean_nothing_without_an_approval(field: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="need needs_approval: true"):
        communication(**field)
