"""How a port's errors become Temporal's: what a retry can mend is retried, the rest is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio.exceptions import ApplicationError

from backout.errors import BackoutError, RateLimited, Unreachable


@contextmanager
def told_to_temporal() -> Iterator[None]:
    """Turn a BackoutError into an ApplicationError whose type is the error's name."""
    try:
        yield
    except RateLimited as limited:
        wait = timedelta(seconds=limited.retry_after_s)
        raise ApplicationError(str(limited), type=type(limited).__name__, next_retry_delay=wait) from limited
    except BackoutError as error:
        mendable = isinstance(error, Unreachable)
        raise ApplicationError(str(error), type=type(error).__name__, non_retryable=not mendable) from error
