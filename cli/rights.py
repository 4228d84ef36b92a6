"""What `backout authority explain` does: ask the incident where it stands, and decide as it would."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from backout.acting import actor
from backout.addressing import short_of
from backout.authority_explained import Explanation, Holder, Waiting
from backout.authority_explained import explain as explained
from backout.commands import VERBS, word_of
from backout.errors import UnknownName
from backout.model import Frozen
from backout.people import Action
from backout.site import Site
from cli import printing
from cli.desk import view_of
from cli.session import run, site_file


class Asked(Frozen):
    """What a person wants to know."""

    who: str
    action: str
    incident: str
    code: str


def explain(asked: Asked, *, site: Path | None, state: Path, as_json: bool) -> bool:
    """Print whether they may, and why; say whether they may."""
    directory = site_file(site, state).site
    key, action = _person(directory, asked.who), _action(asked.action)
    now = datetime.now(UTC)
    view = run(view_of(asked.incident, state))
    who = actor(directory, key, via="cli", at=now)
    found = explained(view, who, action, site=directory, at=now, code=asked.code)
    if as_json:
        printing.as_json(found)
    else:
        for line in _lines(found):
            printing.line(line)
    return found.allowed


def _person(site: Site, told: str) -> str:
    """Return the key of the person who is meant by key or name."""
    if told in site.people:
        return told
    named = [key for key, person in site.people.items() if person.name.casefold() == told.casefold()]
    if len(named) != 1:
        # Two people of one name are told apart by their keys.
        raise UnknownName(kind="person", name=told, known=site.people)
    return named[0]


def _action(told: str) -> Action:
    """Return the action that is meant by its own name, or by the word that people type."""
    words = {verb.name: verb.does for verb in VERBS.values() if isinstance(verb.does, Action)}
    known = words | {action.value: action for action in Action}
    if told.lower() not in known:
        raise UnknownName(kind="action", name=told, known=words)
    return known[told.lower()]


def _lines(found: Explanation) -> Iterable[str]:
    who, word = found.who, word_of(found.action)
    answer = "Yes" if found.allowed else "No"
    yield f"{answer}: {who.name}, {word} in {short_of(found.incident)}: {found.why}."
    if found.then:
        yield f"It would come to: {found.then}."
    deputy = f", as deputy of {' and '.join(who.deputy_of)} too" if who.deputy_of else ""
    yield f"Roles of {who.name}: {', '.join(who.roles) or 'none'}{deputy}."
    yield f"The incident stands at: {found.stands}."
    yield from map(_holder, found.holders)
    if not found.holders:
        yield f"No role of this playbook may {word}."
    yield from map(_waiting, found.waiting)
    if found.shipped_by:
        same = f", that is {who.name}" if found.is_shipper else ""
        yield f"Shipped by {found.shipped_by}{same}; who shipped a release authorises nothing about it."
    yield from (f"Another way: {way}." for way in found.ways)


def _holder(holder: Holder) -> str:
    counts = "" if holder.counts_now else " (does not count for what waits now)"
    return f"The right is held by {holder.role}: {', '.join(holder.people) or 'nobody'}{counts}."


def _waiting(waiting: Waiting) -> str:
    until = f", until {waiting.until:%H:%M:%S} UTC" if waiting.until else ""
    code = f", code {waiting.code}" if waiting.code else ""
    had = f" Approved by {', '.join(waiting.approved_by)}." if waiting.approved_by else ""
    lacks = f" It lacks {waiting.lacks}." if waiting.lacks else ""
    return f"Asked of {' or '.join(waiting.roles) or 'anybody'}{until}: {waiting.what}{code}.{had}{lacks}"
