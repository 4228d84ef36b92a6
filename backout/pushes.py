"""Pushes: counts that evaluators, LLM judges and moderation queues send by themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from backout.model import Frozen, Name

Label = Annotated[str, Field(max_length=128)]


class Push(Frozen):
    """What an evaluator counted since its last push."""

    source: Name
    """The push source of the site that it is for."""
    key: Annotated[str, Field(min_length=1, max_length=200)]
    """Idempotency: the same key twice is one push."""
    at: datetime | None = None
    """When the outputs were produced; when the push came, where nothing is said."""
    labels: dict[Name, Label] = {}
    """Such as service, release and language; queries select by them."""
    counts: Annotated[
        dict[Name, Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]], Field(min_length=1)
    ]
    """By counter, such as `grounding.judged`: how many more than the last time."""
    received_at: datetime | None = None
    """Set by the door."""
