"""What `backout alerts resend` does: a dead letter goes on its way again, by today's routes and playbooks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import wiring
from backout.addressing import short_of
from backout.errors import LetterUnreadable, NoSuchLetter
from backout.outbox import OutboxEntry, addressed
from backout.ports import Outbox
from backout.routing import route
from cli import printing
from cli.session import run, site_file
from deployment import Deployment, load_deployment

_AMONG = 10_000


def resend(key: str, labels: Mapping[str, str], *, site: Path | None, state: Path) -> None:
    """Put a dead letter back on its way, with what was missing of its labels, and say where to."""

    async def put_back() -> str:
        deployment = load_deployment(site_file(site, state))
        async with wiring.open_adapters(deployment.at) as adapters:
            return await _put_back(key, labels, adapters.outbox(), deployment)

    printing.line(run(put_back()))


async def _put_back(key: str, labels: Mapping[str, str], outbox: Outbox, deployment: Deployment) -> str:
    letter = next((one for one in await outbox.dead(limit=_AMONG) if one.key == key), None)
    if letter is None:
        raise NoSuchLetter(key=key)
    entry = _addressed_again(letter, labels, deployment)
    is_new = await outbox.put(entry=entry)
    if letter.key != entry.key:
        # First the new entry, then the old one's end: whatever happens in between, none is lost.
        await outbox.delivered(key=letter.key)
    told = "is on its way" if is_new else "was sent again meanwhile, and is known"
    return f"{short_of(f'{entry.service}/{entry.release}')}: {letter.key} {told}"


def _addressed_again(letter: OutboxEntry, labels: Mapping[str, str], deployment: Deployment) -> OutboxEntry:
    if letter.alert is None:
        raise LetterUnreadable(key=letter.key)
    alert = letter.alert.model_copy(update={"labels": {**letter.alert.labels, **labels}})
    to = route(alert=alert, routes=deployment.site.routes, playbooks=deployment.playbooks)
    return addressed(alert, to, received_at=letter.received_at, traceparent=letter.traceparent)
