"""Durations, rates and names as people write them; values that cannot be changed; one digest for equals."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from backout.model import Duration, Frozen, Name, Percent, Rate, digest_of, format_duration
from backout.playbook import Playbook
from tests.invariants.properties import widely
from tests.unit.views import PLAYBOOK

DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration)
RATE: TypeAdapter[float] = TypeAdapter(Rate)
NAME: TypeAdapter[str] = TypeAdapter(Name)
WRITTEN = {
    "250ms": timedelta(milliseconds=250),
    "15s": timedelta(seconds=15),
    "1.5m": timedelta(seconds=90),
    "1h30m": timedelta(minutes=90),
    " 5d ": timedelta(days=5),
}


class Pair(Frozen):
    """A value with two fields."""

    one: int = 1
    two: dict[str, int] = {}


@pytest.mark.parametrize("text", WRITTEN)
def test_a_duration_is_read_as_people_write_it(text: str) -> None:
    assert DURATION.validate_python(text) == WRITTEN[text]


@pytest.mark.parametrize("text", ["", "5", "m5", "5 m", "5m 3", "-5m", "1e3s", "5min", "m", 90, None])
def test_what_is_no_duration_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValidationError, match=r"is not a duration. Write a number with its unit"):
        DURATION.validate_python(text)


def test_a_duration_is_above_zero() -> None:
    with pytest.raises(ValidationError, match="'0s' is not a duration above zero"):
        DURATION.validate_python("0s")


@pytest.mark.parametrize("text", ["99999999999d", "0.0001ms", "0.4ms", "9" * 400 + "s"])
def test_a_duration_too_long_or_too_short_for_a_timer_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        DURATION.validate_python(text)


@given(st.integers(min_value=1, max_value=10**11))
@widely
def test_a_written_duration_is_read_back_as_the_same(milliseconds: int) -> None:
    duration = timedelta(milliseconds=milliseconds)
    assert DURATION.validate_python(format_duration(duration)) == duration
    assert DURATION.validate_json(DURATION.dump_json(duration)) == duration


def test_short_of_nothing_a_length_of_time_is_still_written() -> None:
    assert format_duration(timedelta(0)) == "0s"
    assert format_duration(timedelta(minutes=-90)) == "-1h30m"


@pytest.mark.parametrize(
    ("text", "rate"),
    [("30 per 10000", 0.003), ("1.5%", 0.015), ("1.5 %", 0.015), (0.003, 0.003), ("1e-4", 0.0001)],
)
def test_a_rate_is_read_as_people_write_it(text: object, rate: float) -> None:
    assert RATE.validate_python(text) == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize("text", ["3 of 10000", "", "many", None, "1.5 per cent", "30 per -1"])
def test_what_is_no_rate_is_refused_with_the_ways_to_write_it(text: object) -> None:
    with pytest.raises(ValidationError, match=r"is not a rate. Write it as '30 per 10000', '1.5%' or 0.003"):
        RATE.validate_python(text)


@pytest.mark.parametrize("text", [0, 1, "100%", "0%", "2 per 1", -0.1, "nan", "inf"])
def test_a_rate_is_strictly_between_none_and_all(text: object) -> None:
    with pytest.raises(ValidationError, match="is not a rate strictly between 0 and 1"):
        RATE.validate_python(text)


def test_a_rate_per_nothing_is_refused() -> None:
    with pytest.raises(ValidationError):
        RATE.validate_python("30 per 0")


@pytest.mark.parametrize("name", ["a", "error-limit", "GPT.4_o", "x" * 63])
def test_a_name_is_letters_digits_and_three_signs(name: str) -> None:
    assert NAME.validate_python(name) == name


@pytest.mark.parametrize("name", ["", "1a", "-a", "a b", "a/b", "a\n", "ä", "x" * 64, "$release", "a|b"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="should match pattern"):
        NAME.validate_python(name)


@pytest.mark.parametrize("percent", [-1, 101, 0.5])
def test_a_percentage_is_whole_and_within_a_hundred(percent: float) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Percent).validate_python(percent)


def test_a_value_cannot_be_changed_and_takes_no_unknown_field() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(Pair(), "one", 2)  # noqa: B010  # mypy knows better
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Pair.model_validate({"three": 3})


def test_equal_values_have_one_digest_in_whatever_order_they_were_written() -> None:
    assert digest_of(Pair(two={"a": 1, "b": 2})) == digest_of(Pair(two={"b": 2, "a": 1}))
    assert digest_of(Pair()) != digest_of(Pair(one=2))
    assert digest_of(Pair()).startswith("sha256:")


def test_a_playbook_keeps_its_digest_on_its_way_through_the_engine() -> None:
    travelled = Playbook.model_validate_json(PLAYBOOK.model_dump_json())
    assert travelled == PLAYBOOK
    assert digest_of(travelled) == digest_of(PLAYBOOK)
