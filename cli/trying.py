"""What `backout alerts test` does: read a message as its door would, and say where its alerts would go."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Literal

import typer
from pydantic import ValidationError
from pydantic_core import to_json

from backout.addressing import short_of
from backout.alerts import Alert
from backout.errors import BackoutError, DoorClosed
from backout.model import Frozen
from backout.routing import Routed, Tried, labels_of, route, tried
from backout.senders.known import SENDERS, guessed, heard_by
from backout.senders.message import Message, Recording, Told
from backout.view import incident_id
from cli import printing
from cli.session import site_file
from deployment import Deployment, load_deployment

LARGEST = 1024 * 1024
"""Bytes of a message, as at the doors."""


class AlertTrial(Frozen):
    """What would become of one alert."""

    alert: str
    status: Literal["firing", "resolved"]
    fingerprint: str
    starts_at: datetime
    labels: dict[str, str]
    tried: tuple[Tried, ...]
    """The routes that were held against it, in their order."""
    would: Literal["start", "tell", "follow", "be refused"]
    """`tell` is of an end; `follow` too, where only the gateway knows where its beginning went."""
    playbook: str = ""
    incident: str = ""
    why: str = ""
    """Why it would be refused."""


class MessageTrial(Frozen):
    """What would become of a message."""

    sender: str
    door: Literal["open", "closed"]
    ignored: str = ""
    """Why nothing of it is an alert."""
    alerts: tuple[AlertTrial, ...] = ()

    @property
    def would_pass(self) -> bool:
        """Whether no alert of it would be refused."""
        return all(one.would != "be refused" for one in self.alerts)


def try_message(file: BinaryIO, *, sender: str | None, site: Path | None, state: Path, as_json: bool) -> bool:
    """Print what would become of a message; return whether all of it would pass."""
    trial = _trial(_message(file), sender, load_deployment(site_file(site, state)))
    if as_json:
        printing.as_json(trial)
    else:
        _show(trial)
    return trial.would_pass


def _message(file: BinaryIO) -> Message:
    body = file.read(LARGEST + 1)
    if len(body) > LARGEST:
        msg = f"it is above {LARGEST} bytes, which no door takes"
        raise typer.BadParameter(msg, param_hint="FILE")
    try:
        recording = Recording.model_validate_json(body)
    except ValidationError:
        return Message(body=body)
    headers = {name.lower(): value for name, value in recording.headers.items()}
    return Message(body=to_json(recording.body), headers=headers)


def _trial(message: Message, sender: str | None, deployment: Deployment) -> MessageTrial:
    name = _sender(message, sender)
    doors = deployment.site.gateway.alerts
    hears = heard_by(doors)
    if name not in hears:
        raise DoorClosed(sender=name)
    heard = hears[name](message, labels_of(deployment.site.routes))
    return MessageTrial(
        sender=name,
        door="open" if name in doors.open else "closed",
        ignored=heard.ignored,
        alerts=tuple(_alert(told, deployment) for told in heard.told),
    )


def _sender(message: Message, named: str | None) -> str:
    """Return who sent a message: the one that is named, or the only one that its fields fit."""
    known, fitting = ", ".join(SENDERS), guessed(message)
    if named is None and len(fitting) == 1:
        return fitting[0]
    if named is None:
        msg = f"its fields do not tell who sent it: name one of {', '.join(fitting) or known}"
        raise typer.BadParameter(msg, param_hint="--sender")
    if named not in SENDERS:
        msg = f"'{named}' is no sender; known are {known}"
        raise typer.BadParameter(msg, param_hint="--sender")
    return named


def _alert(told: Told, deployment: Deployment) -> AlertTrial:
    alert, routes = told.alert, deployment.site.routes
    to: Routed | None = None
    why = ""
    try:
        to = route(alert=alert, routes=routes, playbooks=deployment.playbooks)
    except BackoutError as error:
        why = str(error)
    return AlertTrial(
        alert=alert.name,
        status=alert.status,
        fingerprint=alert.fingerprint,
        starts_at=alert.starts_at,
        labels=alert.labels,
        tried=tried(alert, routes),
        would=_would(told, alert, to),
        playbook=to.playbook if to else "",
        incident=incident_id(to.service, to.release) if to else "",
        why=why,
    )


def _would(told: Told, alert: Alert, to: Routed | None) -> Literal["start", "tell", "follow", "be refused"]:
    if alert.status == "resolved" and told.starts != "said":
        return "follow"
    if to is None:
        return "be refused"
    return "start" if alert.status == "firing" else "tell"


def _show(trial: MessageTrial) -> None:
    printing.line(f"Read as a message of {trial.sender}.")
    if trial.door == "closed":
        printing.line(f"Its door is closed: the site file has no gateway.alerts.{trial.sender}.")
    if trial.ignored:
        printing.line(f"It would be acknowledged and ignored: {trial.ignored}")
    for one in trial.alerts:
        began = printing.moment(one.starts_at)
        printing.line(f"Alert {one.alert} is {one.status}, known by {one.fingerprint}, from {began}")
        for number, seen in enumerate(one.tried, 1):
            printing.line(f"  route {number}, {seen.route}: {'; '.join(seen.misses) or 'takes it'}")
        printing.line(f"  {_outcome(one)}")


def _outcome(one: AlertTrial) -> str:
    match one.would:
        case "start":
            return f"It would start playbook {one.playbook} for {short_of(one.incident)}, unless that runs."
        case "tell":
            return f"It would tell {short_of(one.incident)} of its end, if that is open."
        case "follow":
            return "It would go where the gateway has sent its beginning, if it heard of that."
        case "be refused":
            return f"It would be refused: {one.why}"
