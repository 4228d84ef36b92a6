"""What a retry can mend is retried, the rest is not; the message stays the one that says what to do."""

from __future__ import annotations

import inspect
import re
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from activities.failures import told_to_temporal
from backout import errors
from backout.errors import BackoutError, InvalidDocument, RateLimited, UnknownName, Unreachable

EVERY_ERROR = [
    error
    for error in vars(errors).values()
    if inspect.isclass(error) and issubclass(error, BackoutError) and error is not RateLimited
]


def made(error: type[BackoutError]) -> BackoutError:
    """Return an error with something in each field of its message."""
    if error is UnknownName:
        return UnknownName(kind="target", name="x", known=["b", "a"])
    if error is InvalidDocument:
        return InvalidDocument(["a.yaml:1:1: wrong"])
    fields = re.findall(r"\{(\w+)(:\w+)?\}", error.__doc__ or "")
    return error(**{name: 1 if spec else name.upper() for name, spec in fields})


def told(error: Exception) -> ApplicationError:
    with pytest.raises(ApplicationError) as caught, told_to_temporal():
        raise error
    return caught.value


@pytest.mark.parametrize("error", EVERY_ERROR)
def test_it_keeps_its_name_and_message_and_only_what_a_retry_can_mend_is_retried(
    error: type[BackoutError],
) -> None:
    raised = made(error)
    failure = told(raised)
    assert (failure.type, failure.message) == (error.__name__, str(raised))
    assert failure.non_retryable == (not issubclass(error, Unreachable | RateLimited))
    assert failure.__cause__ is raised


def test_a_rate_limit_is_retried_when_the_system_said() -> None:
    failure = told(RateLimited(what="Slack", retry_after_s=37))
    assert (failure.type, failure.non_retryable) == ("RateLimited", False)
    assert failure.next_retry_delay == timedelta(seconds=37)


def test_our_own_mistakes_pass_unchanged() -> None:
    with pytest.raises(ZeroDivisionError), told_to_temporal():
        raise ZeroDivisionError


def test_what_goes_well_is_left_alone() -> None:
    with told_to_temporal():
        pass
