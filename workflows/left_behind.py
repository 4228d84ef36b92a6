"""What an observation leaves behind that nobody finished: its last heartbeat."""

from __future__ import annotations

from temporalio.exceptions import CancelledError
from temporalio.exceptions import TimeoutError as NoAnswerInTime

from backout.watch import Watch


def left_behind(failure: BaseException) -> Watch | None:
    """Return the state in the last heartbeat of an observation that failed so; None where there is none.

    The engine hands it over with the time-out of a worker that died. Where an observation is cancelled that
    no worker has, it has a word of its own in its place.
    """
    cause: BaseException | None = failure
    while cause is not None:
        if isinstance(cause, NoAnswerInTime | CancelledError):
            details = cause.last_heartbeat_details if isinstance(cause, NoAnswerInTime) else cause.details
            if details and isinstance(details[0], dict):
                return Watch.model_validate(details[0])
        cause = cause.__cause__
    return None
