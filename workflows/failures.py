"""A failure in words."""

from __future__ import annotations

from temporalio.exceptions import FailureError
from temporalio.exceptions import TimeoutError as NoAnswerInTime


def reason(failure: FailureError) -> str:
    """Return the message at the bottom of a chain of failures: what really went wrong."""
    cause: BaseException = failure
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, NoAnswerInTime):
        return f"no answer in time ({cause.type.name.lower() if cause.type else 'timeout'})"
    return cause.message if isinstance(cause, FailureError) else str(cause)
