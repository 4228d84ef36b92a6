"""What a sender posted, and what was heard of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    model_validator,
)

from backout.alerts import (
    LONGEST_LINK,
    LONGEST_NAME,
    LONGEST_SUMMARY,
    MOST_ALERTS,
    Alert,
    cut,
    cut_labels,
)
from backout.errors import InvalidDocument
from backout.model import Frozen
from backout.problems import spell

Fingerprint = Annotated[str, Field(min_length=1, max_length=200)]
"""What an alert is known by: cut, it would be another's."""


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        msg = "this moment is outside the calendar"
        raise ValueError(msg) from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A time with its zone. One moment is one episode, in whatever zone the sender wrote it."""

# People will be shown it to click on: no other scheme, and nothing that ends a link in Slack or Markdown.
_LINK = re.compile(r"https?://[^\s<>|()\"'`]+")


class Message(Frozen):
    """What a sender posted."""

    body: bytes
    headers: dict[str, str] = {}
    """By their names in small letters."""


class Recording(BaseModel):
    """A message as tools record it: its headers and its JSON body. What else was recorded is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    headers: dict[str, str]
    body: JsonValue


Starts: TypeAlias = Literal["said", "first heard", "open"]
"""Where an alert's start comes from, and so which episode it belongs to.

`said`: the sender says it in every message. `first heard`: a fingerprint is one episode, which began with the
first message of it. `open`: the moment of the message, unless an episode is open that it goes on with.
"""


class Told(Frozen):
    """One alert of a message."""

    alert: Alert
    """Its start is the moment of the message where the sender says no other."""
    starts: Starts = "said"


class Heard(Frozen):
    """What a message says."""

    told: tuple[Told, ...] = ()
    ignored: str = ""
    """Why nothing of it is an alert, where the sender sends many kinds of messages."""


Hear: TypeAlias = Callable[[Message, Collection[str]], Heard]
"""Reads a message; the labels that routes ask for are kept among however many.

`InvalidDocument`: it is not what this sender sends, or it lacks what an alert is known by.
"""


class Received(BaseModel):
    """A part of a body; fields that newer senders add are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _null_is_left_out(cls, said: object) -> object:
        return (
            {name: value for name, value in said.items() if value is not None}
            if isinstance(said, dict)
            else said
        )


M = TypeVar("M", bound=BaseModel)


def read(body: bytes, shape: type[M], *, place: str = "") -> M:
    """Return a body, or the part of one at that place, in its shape.

    Raises:
        InvalidDocument: it does not fit; each misfit is told with its place.
    """
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        raise InvalidDocument(
            f"{_place(place, spell(problem['loc']))}: {problem['msg']}"
            for problem in error.errors(include_url=False)
        ) from error


def _place(outer: str, inner: str) -> str:
    between = "." if outer and inner and not inner.startswith("[") else ""
    return f"{outer}{between}{inner}" or "body"


def at_most(count: int, remedy: str) -> None:
    """Refuse a body with too many alerts. `InvalidDocument`: it holds more than one body may."""
    if count > MOST_ALERTS:
        raise InvalidDocument(
            [f"alerts: {count} alerts in one body, and it may hold {MOST_ALERTS}. {remedy}."]
        )


def bounded(alert: Alert, routed_by: Collection[str]) -> Alert:
    """Return an alert within bounds, and without a link that is none."""
    link = alert.link or ""
    return alert.model_copy(
        update={
            "name": cut(alert.name, LONGEST_NAME),
            "summary": cut(alert.summary, LONGEST_SUMMARY),
            "labels": cut_labels(alert.labels, routed_by=routed_by),
            # Half a link leads nowhere.
            "link": link if len(link) <= LONGEST_LINK and _LINK.fullmatch(link) else None,
        }
    )
