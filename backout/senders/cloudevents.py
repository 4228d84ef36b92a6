"""CloudEvents 1.0 over HTTP, alone or in batches: the site says which types fire and which resolve."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Literal
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, JsonValue, RootModel
from pydantic_core import from_json, to_json

from backout.alerts import Alert
from backout.errors import InvalidDocument
from backout.senders.message import (
    Fingerprint,
    Hear,
    Heard,
    Message,
    Moment,
    Starts,
    Told,
    at_most,
    bounded,
    read,
)

SOURCE = "cloudevents"
STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
_PREFIX = "ce-"
_REMEDY = "Send fewer events in a batch"
_OWN = {"specversion", "id", "source", "type", "time", "datacontenttype", "dataschema"}

_Text = Annotated[str, Field(min_length=1)]


class _Kind(BaseModel):
    """What every event has; attributes of extensions are read where they stand."""

    model_config = ConfigDict(frozen=True, extra="allow")

    specversion: Literal["1.0"]
    id: _Text
    source: _Text
    type: _Text


class _Data(BaseModel):
    """What an event's data may say of an alert; every other plain value of it is a label."""

    model_config = ConfigDict(frozen=True, extra="allow")

    alertname: str = ""
    fingerprint: Fingerprint | None = None
    startsAt: Moment | None = None  # noqa: N815  # as Alertmanager and Grafana spell it
    summary: str = ""
    link: str = ""
    labels: dict[str, str] = {}


class _Event(_Kind):
    """An event that is an alert."""

    time: Moment
    subject: str = ""
    data: _Data = _Data()


class _Batch(RootModel[list[JsonValue]]):
    """Events in structured mode, one after another."""


def hearing(*, firing: Collection[str], resolved: Collection[str]) -> Hear:
    """Return what reads events, of which these types fire and those resolve."""

    def hear(message: Message, routed_by: Collection[str] = ()) -> Heard:
        heard = [one(body, place, routed_by) for place, body in _events(message)]
        told = tuple(told for each in heard for told in each.told)
        ignored = "" if told else next((each.ignored for each in heard), "there is no event in the batch")
        return Heard(told=told, ignored=ignored)

    def one(body: bytes, place: str, routed_by: Collection[str]) -> Heard:
        kind = read(body, _Kind, place=place).type
        if kind not in {*firing, *resolved}:
            known = ", ".join([*firing, *resolved])
            why = f"type '{kind[:200]}' neither fires nor resolves by the site file; those that do: {known}"
            return Heard(ignored=why)
        event = read(body, _Event, place=place)
        starts: Starts = "said" if event.data.startsAt else "open"
        alert = _alert(event, "firing" if kind in firing else "resolved", routed_by)
        return Heard(told=(Told(alert=bounded(alert, routed_by), starts=starts),))

    return hear


def _events(message: Message) -> Iterator[tuple[str, bytes]]:
    """Yield each event in structured mode, with its place in the body."""
    # A file that somebody tries has no header: there, a list is a batch.
    sent_as = message.headers.get("content-type", BATCH if message.body.lstrip()[:1] == b"[" else "")
    if not sent_as.lower().startswith(BATCH):
        yield "", _structured(message)
        return
    batch = read(message.body, _Batch).root
    at_most(len(batch), _REMEDY)
    yield from ((f"[{number}]", to_json(event)) for number, event in enumerate(batch))


def _structured(message: Message) -> bytes:
    """Return an event in structured mode; in binary mode its attributes are headers and its data the body."""
    if not message.headers.get("content-type", "").lower().startswith(STRUCTURED):
        headers = message.headers.items()
        attributes: dict[str, object] = {
            name.removeprefix(_PREFIX): unquote(value) for name, value in headers if name.startswith(_PREFIX)
        }
        if attributes:
            return to_json(attributes | ({"data": _json(message.body)} if message.body.strip() else {}))
    return message.body


def _json(body: bytes) -> object:
    try:
        return from_json(body)
    except ValueError as error:
        raise InvalidDocument([f"data: it is no JSON: {error}"]) from error


def _alert(event: _Event, status: Literal["firing", "resolved"], routed_by: Collection[str]) -> Alert:
    data, labels = event.data, _labels(event)
    called = data.alertname or labels.get("signal", "")
    # Another release is another alert, so what routes look at is part of what it is known by.
    routed = (f"{name}={labels.get(name, '')}" for name in sorted(routed_by))
    told = "\n".join((event.source, event.subject, called, *routed))
    return Alert(
        source=SOURCE,
        fingerprint=data.fingerprint or hashlib.sha256(told.encode()).hexdigest()[:32],
        starts_at=data.startsAt or event.time,
        status=status,
        name=called or event.type,
        summary=data.summary,
        labels=labels,
        link=data.link,
    )


def _labels(event: _Event) -> dict[str, str]:
    """Return what an event can be routed by: attributes win over the data's labels, these over the data."""
    attributes = {"source": event.source, "type": event.type, "subject": event.subject}
    extensions = {name: value for name, value in _plain(event.model_extra).items() if name not in _OWN}
    labels = _plain(event.data.model_extra) | event.data.labels | extensions | attributes
    labels |= {"alertname": event.data.alertname} if event.data.alertname else {}
    return {name: value for name, value in labels.items() if value}


def _plain(values: Mapping[str, JsonValue] | None) -> dict[str, str]:
    """Return the values that are one text, number or truth, as texts."""
    return {
        name: value if isinstance(value, str) else to_json(value).decode()
        for name, value in (values or {}).items()
        if isinstance(value, str | int | float | bool)
    }
