"""A failure in words, and the one that is somebody else's doing."""

from __future__ import annotations

from temporalio.exceptions import ActivityError, ApplicationError, FailureError
from temporalio.exceptions import TimeoutError as NoAnswerInTime

from backout.errors import ExposureMoved


def was_moved(failure: ActivityError) -> bool:
    """Say whether an exposure was not set because somebody else had moved it."""
    cause = failure.cause
    return isinstance(cause, ApplicationError) and cause.type == ExposureMoved.__name__


def reason(failure: FailureError) -> str:
    """Return the message at the bottom of a chain of failures: what really went wrong."""
    cause: BaseException = failure
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, NoAnswerInTime):
        return f"no answer in time ({cause.type.name.lower() if cause.type else 'timeout'})"
    return cause.message if isinstance(cause, FailureError) else str(cause)
