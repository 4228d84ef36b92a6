"""What `backout event` does: mark external events in the site's store, and list them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

import wiring
from backout.counting import MarkedEvent
from backout.errors import InvalidDocument, UnknownName
from backout.marking import Marking
from backout.misfits import misfits
from backout.model import Frozen
from backout.playbook import Playbook
from backout.problems import spell
from cli import printing
from cli.releasing import signed
from cli.session import actor_of, run, site_file
from deployment import load_deployment
from gateway.marking import ExternalEvents


class Spoken(Frozen):
    """What a person typed of an event."""

    kind: str
    what: str
    service: str
    lasting: timedelta | None
    start: datetime | None
    end: datetime | None
    key: str | None
    person: str | None


class Marked(Frozen):
    """What came of it."""

    event: MarkedEvent
    repeated: bool
    heard: tuple[str, ...] = ()
    """The kinds of event that rules of the services concerned listen to."""


def mark(spoken: Spoken, *, site: Path | None, state: Path, as_json: bool) -> None:
    """Keep an event, and say how it is kept."""

    async def do() -> Marked:
        deployment = load_deployment(site_file(site, state))
        by = signed(actor_of(deployment.site, chosen=spoken.person))
        told = _marking(spoken, now=datetime.now(UTC).replace(microsecond=0))
        async with wiring.open_adapters(deployment.at) as adapters:
            events = ExternalEvents(marks=adapters.marks(), playbooks=deployment.playbooks)
            event, is_new = await events.mark(told, by=by)
        return Marked(event=event, repeated=not is_new, heard=_heard(event, deployment.playbooks.values()))

    marked = run(do())
    if as_json:
        printing.as_json(marked)
        return
    event, again = marked.event, " again" if marked.repeated else ""
    whom = event.service or "all services"
    printing.line(f"Marked{again} for {whom}, {_span(event)}: {event.kind}, {event.what}. Key: {event.key}")
    if marked.heard and event.kind not in marked.heard:
        printing.line(f"It is shown beside the readings. Rules listen only to: {', '.join(marked.heard)}.")


def list_events(
    service: str | None, *, back: timedelta, site: Path | None, state: Path, as_json: bool
) -> None:
    """Print the events of late."""

    async def ask() -> tuple[MarkedEvent, ...]:
        deployment = load_deployment(site_file(site, state))
        services = {playbook.release.service for playbook in deployment.playbooks.values()}
        if service is not None and service not in services:
            raise UnknownName(kind="service", name=service, known=services)
        async with wiring.open_adapters(deployment.at) as adapters:
            events = ExternalEvents(marks=adapters.marks(), playbooks=deployment.playbooks)
            return await events.lately(service=service, back=back)

    found = run(ask())
    if as_json:
        printing.as_json(found)
    elif not found:
        printing.line("No event is marked.")
    else:
        table = printing.table("When", "Kind", "Service", "What", "By", "Key")
        for event in found:
            row = (_span(event), event.kind, event.service or "all", event.what, event.by, event.key)
            table.add_row(*printing.cells(*row))
        printing.show(table)


def _marking(spoken: Spoken, *, now: datetime) -> Marking:
    start = spoken.start or now
    # The key comes from what is known: the same command twice within its times is one event.
    key = spoken.key or f"{spoken.kind}/{spoken.service or 'all'}/{start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    end = start + spoken.lasting if spoken.lasting else spoken.end
    told = {"key": key, "kind": spoken.kind, "service": spoken.service, "what": spoken.what}
    try:
        return Marking.model_validate(told | {"start": spoken.start, "end": end})
    except ValidationError as error:
        found = misfits(error, Marking)
        raise InvalidDocument(f"{spell(one.path)}: {one.message}" for one in found) from error


def _heard(event: MarkedEvent, playbooks: Iterable[Playbook]) -> tuple[str, ...]:
    concerned = [one for one in playbooks if event.service in {"", one.release.service}]
    kinds = {occasion.kind for playbook in concerned for occasion in playbook.occasions.values()}
    return tuple(sorted(kinds))


def _span(event: MarkedEvent) -> str:
    end = printing.moment(event.end) if event.end else "now, as it goes on"
    return f"{printing.moment(event.start)} to {end}"
