"""What `backout release` does: ask the registry and the engine, print the answer."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.table import Table
from rich.text import Text

import wiring
from backout.addressing import short_of
from backout.errors import EngineUnnamed, FileUnreadable, ReleaseUnknown
from backout.model import Frozen, format_duration
from backout.people import Actor
from backout.releases import Registration, ReleaseRecord, WatchView
from backout.yaml_text import parse
from cli import printing
from cli.freezing import freeze_over
from cli.session import WITHIN_S, actor_of, connection, run, site_file
from deployment import load_deployment
from gateway.registering import Releases, Shown, Told
from gateway.watches import Watches

_SHOWN_TRANSITIONS = 5


class Registering(Frozen):
    """A release that a person registers."""

    file: str
    person: str | None
    during_incident: str
    """Why they do so while an incident runs; empty where nobody said."""


class Retirement(Frozen):
    """A release that a person retires."""

    service: str
    release: str
    why: str
    person: str | None


def signed(actor: Actor) -> str:
    """Return who acted, as a record keeps it."""
    return f"{actor.person} ({actor.via})"


@asynccontextmanager
async def opened(site: Path | None, state: Path) -> AsyncIterator[Releases]:
    """Yield the releases of the site, over the engine that is meant here, which may be down.

    Raises:
        EngineUnnamed: no engine is known here.
    """
    deployment = load_deployment(site_file(site, state))
    client = await wiring.connect(connection(state), lazy=True)
    async with wiring.open_adapters(deployment.at) as adapters:
        yield Releases(
            registry=adapters.registry(),
            watches=Watches(client=client),
            freeze=freeze_over(client, adapters, deployment),
            playbooks=deployment.playbooks,
        )


def register(meant: Registering, *, site: Path | None, state: Path, as_json: bool) -> None:
    """Register what a file tells, and say what came of it."""

    async def do() -> Told:
        by = signed(actor_of(site_file(site, state).site, chosen=meant.person))
        told = parse(_text(meant.file), file=_name(meant.file), model=Registration)
        async with opened(site, state) as releases:
            return await releases.register(
                told, by=by, during_incident=meant.during_incident, within_s=WITHIN_S
            )

    _print(run(do()), "registered", as_json=as_json)


def watch(service: str, release: str, *, site: Path | None, state: Path, as_json: bool) -> None:
    """See that a release is watched."""

    async def do() -> Told:
        async with opened(site, state) as releases:
            return await releases.watch(service=service, release=release, within_s=WITHIN_S)

    _print(run(do()), "registered", as_json=as_json)


def retire(meant: Retirement, *, site: Path | None, state: Path, as_json: bool) -> None:
    """Retire a release."""

    async def do() -> Told:
        by = signed(actor_of(site_file(site, state).site, chosen=meant.person))
        async with opened(site, state) as releases:
            return await releases.retire(service=meant.service, release=meant.release, by=by, why=meant.why)

    _print(run(do()), "retired", as_json=as_json)


def list_releases(service: str | None, *, limit: int, site: Path | None, state: Path, as_json: bool) -> None:
    """Print a line for each release."""

    async def ask() -> tuple[ReleaseRecord, ...]:
        async with wiring.open_adapters(site_file(site, state)) as adapters:
            return await adapters.registry().releases(service=service, limit=limit)

    records = run(ask())
    if as_json:
        printing.as_json(records)
    elif not records:
        printing.line("No release is registered.")
    else:
        printing.show(_listed(records))


def show(service: str, release: str, *, site: Path | None, state: Path, as_json: bool) -> None:
    """Print what is known of a release."""
    shown = run(_show(service, release, site=site, state=state))
    if as_json:
        printing.as_json(shown)
    else:
        tell(shown)


def tell(shown: Shown) -> None:
    """Print what is known of a release for people."""
    facts = Table.grid(padding=(0, 2))
    for name, value in (*_facts(shown.record), *_watched(shown)):
        if value:
            facts.add_row(Text(name, style="dim"), *printing.cells(value))
    printing.line(f"{shown.record.place.service}/{shown.record.place.release}")
    printing.show(facts)


async def _show(service: str, release: str, *, site: Path | None, state: Path) -> Shown:
    try:
        async with opened(site, state) as releases:
            return await releases.show(service=service, release=release, within_s=WITHIN_S)
    except EngineUnnamed as unnamed:
        # What is kept can be shown all the same.
        async with wiring.open_adapters(site_file(site, state)) as adapters:
            record = await adapters.registry().release(service=service, release=release)
        if record is None:
            raise ReleaseUnknown(service=service, release=release) from None
        return Shown(record=record, why=str(unnamed))


def _print(told: Told, done: str, *, as_json: bool) -> None:
    if as_json:
        printing.as_json(told)
        return
    place, again = told.record.place, " already" if told.repeated else ""
    watch = {
        "started": "its watch has started",
        "running": "it is watched",
        "pending": f"its watch waits until the gateway tells the engine, within a minute: {told.why}",
        "retired": f"retired, so nothing watches it ({told.record.retired_why})",
        "ended": "its watch has ended",
    }[told.watch]
    against = f", against baseline {place.baseline}" if place.baseline else ""
    printing.line(f"{place.service}/{place.release} is {done}{again}{against}; {watch}")


def _listed(records: tuple[ReleaseRecord, ...]) -> Table:
    table = printing.table("Service", "Release", "Baseline", "Playbook", "Owner", "Registered", "By", "State")
    for record in records:
        told = record.registration
        state = f"retired {printing.moment(record.retired_at)}" if record.retired_at else "guarded"
        at = printing.moment(record.registered_at)
        row = (
            told.service,
            told.release,
            told.baseline or "",
            told.playbook,
            told.owner,
            at,
            record.by,
            state,
        )
        table.add_row(*printing.cells(*row), style="dim" if record.retired_at else "")
    return table


def _facts(record: ReleaseRecord) -> Iterator[tuple[str, str]]:
    told = record.registration
    yield "playbook", told.playbook
    yield "baseline", told.baseline or "none is known"
    yield "owner", told.owner
    yield "registered", f"{printing.moment(record.registered_at)} by {record.by}"
    for artifact in told.artifacts:
        yield artifact.kind, f"{artifact.name} {artifact.digest}"
    for name, things in (("trained on", told.datasets), ("evaluated by", told.evaluations)):
        for thing in things:
            yield name, " ".join(filter(None, (thing.name, thing.digest or "", thing.uri)))
    yield "ramp", ", ".join(f"{stage.percent} % after {format_duration(stage.after)}" for stage in told.ramp)
    if record.retired_at:
        yield "retired", f"{printing.moment(record.retired_at)}, {record.retired_why}"


def _watched(shown: Shown) -> Iterator[tuple[str, str]]:
    view = shown.watch
    if view is None:
        yield "watch", f"none to be seen: {shown.why}"
        return
    yield "watch", f"{view.state} since {printing.moment(view.since)}, {view.ticks} ticks"
    yield "trouble", view.trouble
    yield "incident", short_of(view.incident)
    yield from _turns(view)


def _turns(view: WatchView) -> Iterator[tuple[str, str]]:
    for turn in view.transitions[-_SHOWN_TRANSITIONS:]:
        told = turn.evaluation
        rule = f" (rule {told.rule})" if told.rule else ""
        yield f"{turn.at:%Y-%m-%d %H:%M:%S} UTC", f"{told.outcome.value}{rule}. {'; '.join(told.reasons)}"
        for text in told.surroundings:
            yield "", f"beside it: {text}"


def _name(file: str) -> str:
    return "standard input" if file == "-" else file


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        why = error.strerror
    except UnicodeDecodeError:
        why = "it is not UTF-8"
    raise FileUnreadable(
        what="The registration", path=_name(file), why=why, remedy="Name a file, or '-' for standard input."
    )
