"""What `backout alerts show` and `resend` do: a dead letter is looked at, mended and put on its way again."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Literal

import typer

import wiring
from backout.addressing import short_of
from backout.alerts import Alert
from backout.episodes import REMEMBERED, placed
from backout.errors import BackoutError, DoorClosed, InvalidDocument, LetterUnreadable, NoSuchLetter
from backout.model import Frozen
from backout.outbox import OutboxEntry, addressed
from backout.ports import Outbox
from backout.routing import labels_of, route, tried
from backout.senders.known import SENDERS, heard_by
from backout.senders.message import Message, Told
from cli import printing
from cli.session import run, site_file
from deployment import Deployment, load_deployment

_AMONG = 10_000


class Mending(Frozen):
    """What is put right in a dead letter."""

    labels: dict[str, str] = {}
    """Labels that its alerts should have had."""
    body: bytes | None = None
    """What its sender should have posted."""


def resend(key: str, mending: Mending, *, site: Path | None, state: Path) -> None:
    """Put a dead letter back on its way, mended, and say where to."""

    async def put_back(outbox: Outbox, letter: OutboxEntry, deployment: Deployment) -> None:
        alerts = await _placed(_told(letter, mending, deployment), mending, outbox)
        # All of them find their way before the first one goes.
        entries = [_addressed(alert, letter, deployment) for alert in alerts]
        for entry in entries:
            is_new = await outbox.put(entry=entry)
            told = "is on its way" if is_new else "was sent again meanwhile, and is known"
            printing.line(f"{short_of(f'{entry.service}/{entry.release}')}: {letter.key} {told}")
        if letter.key not in {entry.key for entry in entries}:
            # First the new entries, then the old one's end: whatever happens in between, none is lost.
            await outbox.delivered(key=letter.key)

    _with_letter(key, put_back, site=site, state=state)


def show(key: str, what: Literal["all", "body", "json"], *, site: Path | None, state: Path) -> None:
    """Print a dead letter."""

    async def print_it(_: Outbox, letter: OutboxEntry, deployment: Deployment) -> None:
        match what:
            case "json":
                printing.as_json(letter)
            case "body":
                # A file takes it as it came; a terminal must not be steered by it.
                (printing.line if sys.stdout.isatty() else typer.echo)(letter.body)
            case "all":
                _show(letter, deployment)

    _with_letter(key, print_it, site=site, state=state)


def _with_letter(
    key: str,
    work: Callable[[Outbox, OutboxEntry, Deployment], Awaitable[None]],
    *,
    site: Path | None,
    state: Path,
) -> None:
    async def found() -> None:
        deployment = load_deployment(site_file(site, state))
        async with wiring.open_adapters(deployment.at) as adapters:
            outbox = adapters.outbox()
            letter = next((one for one in await outbox.dead(limit=_AMONG) if one.key == key), None)
            if letter is None:
                raise NoSuchLetter(key=key)
            await work(outbox, letter, deployment)

    run(found())


def _told(letter: OutboxEntry, mending: Mending, deployment: Deployment) -> Sequence[Told]:
    """Return the alerts of a letter: those that it is known to hold, or those that are read of it now."""
    if letter.alert is not None and mending.body is None:
        return (Told(alert=letter.alert, starts=letter.starts),)
    if letter.source not in SENDERS:
        raise LetterUnreadable(key=letter.key, why=letter.why)
    hears = heard_by(deployment.site.gateway.alerts)
    if letter.source not in hears:
        raise DoorClosed(sender=letter.source)
    body = letter.body.encode() if mending.body is None else mending.body
    try:
        message = Message(body=body, headers=letter.headers)
        heard = hears[letter.source](message, labels_of(deployment.site.routes))
    except InvalidDocument as error:
        raise LetterUnreadable(key=letter.key, why=str(error)) from error
    if heard.ignored:
        raise LetterUnreadable(key=letter.key, why=f"nothing of it is an alert: {heard.ignored}")
    return heard.told


async def _placed(told: Sequence[Told], mending: Mending, outbox: Outbox) -> Sequence[Alert]:
    """Return the alerts with their labels mended, each in its episode."""
    found: list[Alert] = []
    for one in told:
        labels = {**one.alert.labels, **mending.labels}
        alert = one.alert.model_copy(update={"labels": labels})
        before = [
            other
            for other in reversed(found)
            if (other.source, other.fingerprint) == (alert.source, alert.fingerprint)
        ]
        kept = await outbox.alerts(source=alert.source, fingerprint=alert.fingerprint, limit=REMEMBERED)
        found.append(placed(Told(alert=alert, starts=one.starts), [*before, *kept]))
    return found


def _addressed(alert: Alert, letter: OutboxEntry, deployment: Deployment) -> OutboxEntry:
    to = route(alert=alert, routes=deployment.site.routes, playbooks=deployment.playbooks)
    return addressed(alert, to, received_at=letter.received_at, traceparent=letter.traceparent)


def _show(letter: OutboxEntry, deployment: Deployment) -> None:
    printing.line(f"Dead letter {letter.key}")
    printing.line(f"From {letter.source}, received {printing.moment(letter.received_at)}")
    printing.line(f"Refused: {letter.why}")
    if letter.alert is None:
        for name, value in letter.headers.items():
            printing.line(f"  {name}: {value}")
        printing.line(letter.body)
        printing.line(
            "Mend it: print it with --body, correct it, and send it with 'backout alerts resend --body FILE'."
        )
        return
    alert, routes = letter.alert, deployment.site.routes
    printing.line(f"Alert {alert.name} is {alert.status}, known by {alert.fingerprint}")
    for name, value in alert.labels.items():
        printing.line(f"  {name}={value}")
    for number, seen in enumerate(tried(alert, routes), 1):
        printing.line(f"  route {number}, {seen.route}: {'; '.join(seen.misses) or 'takes it'}")
    try:
        to = route(alert=alert, routes=routes, playbooks=deployment.playbooks)
    except BackoutError as error:
        printing.line(f"Still refused: {error}")
        printing.line(
            "Mend it: correct the site file, or name what is missing with 'resend --label NAME=VALUE'."
        )
    else:
        printing.line(
            f"It would go to {to.service}/{to.release} now, with playbook {to.playbook}: resend it."
        )
