"""Backout's own form, for whatever sends none of the others. It is documented in docs/reference/site.md."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from backout.alerts import Alert
from backout.errors import InvalidDocument
from backout.misfits import misfits
from backout.model import Frozen
from backout.problems import spell
from backout.senders.message import Fingerprint, Heard, Message, Moment, Told, at_most, bounded

SOURCE = "generic"
_REMEDY = "Send them in several"


class GenericAlert(Frozen):
    """One alert in one state."""

    name: Annotated[str, Field(min_length=1)]
    """What the alert is called."""
    status: Literal["firing", "resolved"]
    """Whether it is so now, or is over."""
    fingerprint: Fingerprint
    """What the alert is known by, the same each time that it fires."""
    starts_at: Moment
    """When this episode began, the same in every message about it, its end included."""
    summary: str = ""
    labels: dict[str, str] = {}
    link: str = ""


class GenericBody(Frozen):
    """What is posted."""

    alerts: Annotated[tuple[GenericAlert, ...], Field(min_length=1)]
    """The alerts, 500 at most."""


def hear(message: Message, routed_by: Collection[str] = ()) -> Heard:
    """Read a body. The form is ours: a field that it does not have is a misfit too."""
    try:
        posted = GenericBody.model_validate_json(message.body)
    except ValidationError as error:
        raise InvalidDocument(
            f"{spell(one.path) or 'body'}: {one.message}" for one in misfits(error, GenericBody)
        ) from None
    at_most(len(posted.alerts), _REMEDY)
    return Heard(told=tuple(Told(alert=bounded(_alert(one), routed_by)) for one in posted.alerts))


def _alert(one: GenericAlert) -> Alert:
    return Alert(
        source=SOURCE,
        fingerprint=one.fingerprint,
        starts_at=one.starts_at,
        status=one.status,
        name=one.name,
        summary=one.summary,
        labels=one.labels,
        link=one.link,
    )
