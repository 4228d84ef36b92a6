"""What the commands about incidents do: ask the engine or the outbox, and print the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import typer

import wiring
from backout.addressing import ListedIncident, short_of
from backout.commands import Meant, Verb, act_of, address, parse
from backout.model import Frozen
from backout.outbox import OutboxEntry
from backout.people import Action
from backout.view import IncidentView
from cli import printing
from cli.session import WITHIN_S, actor_of, new_act_id, open_incidents, run, site_file
from gateway.incidents import RESOLVE_AMONG


class ActRequest(Frozen):
    """What a person typed."""

    verb: Verb
    words: tuple[str, ...]
    reason: str | None
    person: str | None
    act_id: str | None


class ActDone(Frozen):
    """What came of it."""

    incident: str
    act: str
    action: Action
    person: str
    text: str


def act(request: ActRequest, *, site: Path | None, state: Path, as_json: bool) -> None:
    """Carry out an act and print the receipt."""
    done = run(_act(request, site=site, state=state))
    if as_json:
        printing.as_json(done)
    else:
        printing.line(f"{short_of(done.incident)}: {done.text}")


async def _act(request: ActRequest, *, site: Path | None, state: Path) -> ActDone:
    action = request.verb.does
    assert isinstance(action, Action)  # noqa: S101  # the registry of acts holds no others
    command = parse(" ".join((request.verb.name, *request.words)))
    actor = actor_of(site_file(site, state).site, chosen=request.person)
    incidents = await open_incidents(state)
    listed: tuple[ListedIncident, ...] = ()
    if command.needs_list:
        listed = await incidents.listing(limit=RESOLVE_AMONG, open_only=False, within_s=WITHIN_S)
    meant = _with_reason(address(command, listed), request.reason)
    act_id = request.act_id or new_act_id()
    made = act_of(command, action, meant, act_id=act_id, actor=actor)
    receipt = await incidents.act(incident=meant.incident, act=made, within_s=WITHIN_S)
    return ActDone(incident=meant.incident, act=act_id, action=action, person=actor.person, text=receipt.text)


def _with_reason(meant: Meant, reason: str | None) -> Meant:
    if not reason:
        return meant
    if meant.text:
        msg = f"The reason is there twice: '{meant.text}' and --reason '{reason}'. Give one of them."
        raise typer.BadParameter(msg)
    return meant.model_copy(update={"text": reason})


def list_incidents(*, open_only: bool, limit: int, state: Path, as_json: bool) -> None:
    """Print the incidents, the open ones first."""

    async def ask() -> printing.Listed:
        incidents = await open_incidents(state)
        return await incidents.listing(limit=limit, open_only=open_only, within_s=WITHIN_S)

    listed = run(ask())
    if as_json:
        printing.as_json(listed)
    else:
        printing.incidents(listed)


def show(incident: str, *, state: Path, as_json: bool) -> None:
    """Print where an incident stands."""
    view = run(view_of(incident, state))
    if as_json:
        printing.as_json(view)
    else:
        printing.incident(view)


def timeline(incident: str, *, state: Path, as_json: bool) -> None:
    """Print what happened in an incident."""
    view = run(view_of(incident, state))
    if as_json:
        printing.as_json(view.timeline)
    else:
        printing.timeline(view.timeline)


async def view_of(incident: str, state: Path) -> IncidentView:
    """Return everything about an incident, by what people call it."""
    incidents = await open_incidents(state)
    return await incidents.view(
        incident=await incidents.resolve(text=incident, within_s=WITHIN_S), within_s=WITHIN_S
    )


def list_outbox(
    which: Literal["pending", "dead"], *, limit: int, site: Path | None, state: Path, as_json: bool
) -> None:
    """Print the entries of the outbox."""

    async def ask() -> tuple[OutboxEntry, ...]:
        async with wiring.open_adapters(site_file(site, state)) as adapters:
            outbox = adapters.outbox()
            return await (outbox.pending(limit=limit) if which == "pending" else outbox.dead(limit=limit))

    entries = run(ask())
    if as_json:
        printing.as_json(entries)
    else:
        printing.outbox(entries, which)
