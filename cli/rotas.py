"""What `backout oncall` and the doctor ask rotas: who is on call, and who takes over."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import typer

import wiring
from activities.calling import ROTA_PATIENCE_S
from backout.errors import BackoutError, UnknownName, Unreachable
from backout.model import Frozen
from backout.on_call import Handover, next_handover
from backout.ports import OnCall
from backout.rotas import Rota, WeeklyRota
from backout.site import Site
from backout.zones import local, parse_moment
from cli import printing
from cli.session import run, site_file
from deployment import SiteFile


class OnCallBy(Frozen):
    """Who is on call by one rota at a moment."""

    rota: str
    kind: str
    at: datetime
    people: tuple[str, ...] = ()
    """By their keys; empty where nobody is."""
    names: tuple[str, ...] = ()
    next: Handover | None = None
    """When somebody else takes over; None where nobody ever does, or only another system knows it."""
    error: str = ""
    """Why the rota cannot be asked."""

    def spell(self, site: Site) -> tuple[str, str]:
        """Return who is on call, and who takes over when, in words."""
        who = ", ".join(self.names) or "nobody"
        if self.next is None:
            return who, "-"
        config, then = site.rotas[self.rota], self.next
        at = local(then.at, config.zone) if isinstance(config, WeeklyRota) else then.at
        person = site.people[then.person].name if then.person else "nobody"
        return who, f"{person}, {at:%a %Y-%m-%d %H:%M} {at.tzname()}"


def show_rotas(rota: str, *, at: str | None, site: Path | None, state: Path, as_json: bool) -> bool:
    """Print who is on call by one rota or by all; return whether each could be asked."""
    moment = _moment(at)
    file = site_file(site, state)
    rotas = file.site.rotas
    if rota and rota not in rotas:
        raise UnknownName(kind="rota", name=rota, known=rotas)
    found = run(_ask_all(file, {rota: rotas[rota]} if rota else rotas, moment))
    if as_json:
        printing.as_json(found)
    else:
        _print(found, file.site)
    return not any(one.error for one in found)


def _moment(at: str | None) -> datetime:
    if at is None:
        return datetime.now(UTC)
    try:
        return parse_moment(at)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--at") from error


async def _ask_all(file: SiteFile, rotas: Mapping[str, Rota], at: datetime) -> tuple[OnCallBy, ...]:
    async with wiring.open_adapters(file) as adapters:
        asked = (_told(name, config, adapters, file.site, at) for name, config in rotas.items())
        return tuple(await asyncio.gather(*asked))


async def _told(name: str, config: Rota, adapters: wiring.Adapters, site: Site, at: datetime) -> OnCallBy:
    try:
        return await ask(name, config, adapters.rota(config), site, at)
    except BackoutError as error:
        return OnCallBy(rota=name, kind=config.kind, at=at, error=str(error))


async def ask(name: str, config: Rota, rota: OnCall, site: Site, at: datetime) -> OnCallBy:
    """Return who is on call by a rota.

    Raises:
        BackoutError: it cannot be asked, or names somebody whom the site does not know.
    """
    try:
        async with asyncio.timeout(ROTA_PATIENCE_S):
            people = await rota.people(at=at, directory=site.people)
    except TimeoutError:
        raise Unreachable(what=f"Rota {name}", why=f"no answer within {ROTA_PATIENCE_S:g} s") from None
    then = next_handover(config, at) if isinstance(config, WeeklyRota) else None
    names = tuple(site.people[key].name for key in people)
    return OnCallBy(rota=name, kind=config.kind, at=at, people=people, names=names, next=then)


def _print(found: tuple[OnCallBy, ...], site: Site) -> None:
    if not found:
        printing.line("The site file names no rotas.")
        return
    shown = printing.table("Rota", "Kind", "On call", "Then")
    for one in found:
        words = (f"cannot be asked: {one.error}", "-") if one.error else one.spell(site)
        shown.add_row(*printing.cells(one.rota, one.kind, *words))
    printing.show(shown)
