"""Pushes: counts that evaluators, LLM judges and moderation queues send by themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from backout.counting import STALE
from backout.errors import PushRefused
from backout.model import Frozen, Name, format_duration

SKEW = timedelta(minutes=1)
"""By how much a sender's clock may be ahead of ours."""

MOST_LABELS, MOST_COUNTS = 32, 200
"""Labels and counters of one push."""

Label = Annotated[str, Field(max_length=128)]


class Push(Frozen):
    """What an evaluator counted since its last push."""

    source: Name
    """The push source of the site that it is for."""
    key: Annotated[str, Field(min_length=1, max_length=200)]
    """Idempotency: the same key twice is one push."""
    at: datetime | None = None
    """When the outputs were produced; when the push came, where nothing is said."""
    labels: Annotated[dict[Name, Label], Field(max_length=MOST_LABELS)] = {}
    """Such as service, release and language; queries select by them."""
    counts: Annotated[
        dict[Name, Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]],
        Field(min_length=1, max_length=MOST_COUNTS),
    ]
    """By counter, such as `grounding.judged`: how many more than the last time."""
    received_at: datetime | None = None
    """Set by the door."""

    @property
    def stale(self) -> bool:
        """Whether it came too late to count for signals of the clock `arrival`."""
        return bool(self.at and self.received_at and self.received_at - self.at > STALE)


def accepted(push: Push, *, now: datetime, skew: timedelta = SKEW) -> Push:
    """Return a push as it is kept: with the time at which it was received.

    Raises:
        PushRefused: its `at` has no time zone, or is in the future by more than `skew`.
    """
    if push.at is not None and push.at.utcoffset() is None:
        why = f"'at' {push.at.isoformat()} has no time zone; write it as in {now:%Y-%m-%dT%H:%M:%SZ}"
        raise PushRefused(why=why)
    if push.at is not None and push.at - now > skew:
        ahead = format_duration(timedelta(seconds=round((push.at - now).total_seconds())))
        why = f"'at' {push.at.isoformat()} is {ahead} in the future; the sender's clock may be wrong"
        raise PushRefused(why=why)
    return push.model_copy(update={"received_at": now})
