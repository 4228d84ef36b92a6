"""How the commands' answers look: tables for people, JSON for machines."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal, TypeAlias

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from backout.addressing import ListedIncident, short_of
from backout.commands import VERBS, answers, judging, voting
from backout.outbox import OutboxEntry
from backout.people import Action
from backout.timeline import Event
from backout.view import Ask, IncidentView, Phase, Question

Listed: TypeAlias = tuple[ListedIncident, ...]
_SHOWN_EVENTS = 8
_ENDLESS = 10_000
_TRAILING = re.compile(r" +$", re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def console() -> Console:
    """Return the console of standard output: nothing is read as markup, and only a terminal has a width."""
    width = None if sys.stdout.isatty() else _ENDLESS
    return Console(highlight=False, markup=False, emoji=False, width=width)


def show(table: Table) -> None:
    """Print a table; in a pipe no line of it ends in blanks."""
    out = console()
    with out.capture() as drawn:
        out.print(table)
    text = drawn.get()
    typer.echo(text if sys.stdout.isatty() else _TRAILING.sub("", text), nl=False)


def line(text: str) -> None:
    """Print one line."""
    console().print(_harmless(text))


def cells(*texts: str) -> tuple[str, ...]:
    """Return texts as they may stand in a table: what came from outside must not steer the terminal."""
    return tuple(map(_harmless, texts))


def styled(text: str, style: str) -> Text:
    """Return a text in a style."""
    return Text(text, style=style)


def _harmless(text: str) -> str:
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def as_json(answer: BaseModel | Sequence[BaseModel]) -> None:
    """Print a model, or a list of them, as JSON."""
    if isinstance(answer, BaseModel):
        typer.echo(answer.model_dump_json(indent=2))
    else:
        typer.echo(json.dumps([one.model_dump(mode="json") for one in answer], indent=2))


def incidents(listed: Listed) -> None:
    """Print a line for each incident."""
    if not listed:
        line("There are no incidents.")
        return
    shown = table("Incident", "Stands at", "Outcome", "Severity", "Playbook", "Opened")
    for one in listed:
        style = "" if one.closed_at is None else "dim"
        row = (
            one.short,
            one.phase or one.status,
            one.outcome,
            one.severity,
            one.playbook,
            moment(one.opened_at),
        )
        shown.add_row(*cells(*row), style=style)
    show(shown)


def incident(view: IncidentView) -> None:
    """Print where an incident stands, what it waits for and its last events."""
    out, summary = console(), view.summary
    out.print(
        Text.assemble(
            (short_of(summary.incident), "bold"),
            f"  {summary.playbook} version {view.playbook.version}, {summary.severity.value}",
        )
    )
    facts = Table.grid(padding=(0, 2))
    for name, value in _facts(view):
        if value:
            facts.add_row(Text(name, style="dim"), *cells(value))
    show(facts)
    if view.timeline:
        left = len(view.timeline) - _SHOWN_EVENTS
        out.print(
            f"\nLast events{f' ({left} earlier ones: backout incidents timeline)' if left > 0 else ''}:"
        )
        timeline(view.timeline[-_SHOWN_EVENTS:])


def _facts(view: IncidentView) -> Iterable[tuple[str, str]]:
    summary = view.summary
    until = f", until {view.step_until:%H:%M:%S} UTC" if view.step_until else ""
    step = f" (step {view.step}{until})" if view.step else ""
    at = summary.by_target or f"{summary.exposure} % of traffic"
    exposure = "unknown" if summary.exposure is None else f"{at} on the candidate"
    return (
        ("outcome", summary.outcome.value),
        ("stands at", f"{summary.phase.value}{step}"),
        ("held", view.held),
        ("exposure", exposure),
        *(("instead", one.line) for one in view.instead),
        ("signals", view.fired),
        ("alerts", str(summary.alerts)),
        ("owned by", view.acknowledged_by or "nobody yet"),
        *(("waits for", _ask(ask, short_of(summary.incident))) for ask in view.asks),
        ("at once", _at_once(view)),
        *(("judgment", _question(one, short_of(summary.incident))) for one in view.questions),
        ("next", ", ".join(view.next_steps)),
        *(("due", one.line) for one in view.notices),
        *(("not sent", one) for one in view.stakes.unsent),
        ("not told", view.untold),
        ("opened", moment(summary.opened_at)),
        ("closed", moment(summary.closed_at) if summary.closed_at else ""),
        ("postmortem", view.postmortem),
    )


def _at_once(view: IncidentView) -> str:
    """Return who can take everything off and how; empty where nobody can, or nothing is left to take off."""
    may = view.playbook.holders(Action.EMERGENCY)
    over = view.summary.phase is Phase.CLOSED or view.emergency or view.summary.exposure == 0
    if over or not may or not view.can_take_off:
        return ""
    how = VERBS["emergency"].filled(incident=short_of(view.summary.incident), code="")
    return f"{' or '.join(may)} can take everything off, whatever it waits for: backout {how}"


def _ask(ask: Ask, incident: str) -> str:
    commands = ", ".join(f"backout {answer}" for answer in answers(ask, incident))
    items = "".join(
        f"\n{'[x]' if number in ask.ticked else '[ ]'} {number}. {item}"
        for number, item in enumerate(ask.items, 1)
    )
    bound = f"\nCode {ask.code} stands for {ask.subject}." if ask.code else ""
    return f"{ask.what}{voting(ask)}{items}{bound}\nAnswer with: {commands}."


def _question(question: Question, incident: str) -> str:
    who = " or ".join(question.roles)
    return f"{question.line} Asked of {who}.\nAnswer with: backout {judging(question, incident)}."


def timeline(events: Sequence[Event]) -> None:
    """Print events in order."""
    shown = table("At (UTC)", "Step", "What happened")
    for event in events:
        shown.add_row(*cells(f"{event.at:%Y-%m-%d %H:%M:%S}", event.step, event.line))
    show(shown)


def outbox(entries: Sequence[OutboxEntry], which: Literal["pending", "dead"]) -> None:
    """Print what waits, or what was refused."""
    if not entries:
        line("No alert waits." if which == "pending" else "There are no dead letters.")
        return
    shown = table("Received", "From", "Alert", "For", "Attempts", "Why", "Key")
    for entry in entries:
        alert = (
            f"{entry.alert.name} ({entry.alert.status})"
            if entry.alert
            else f"unreadable: {entry.body[:60]!r}"
        )
        meant = short_of(f"{entry.service}/{entry.release}") if entry.service else ""
        row = (moment(entry.received_at), entry.source, alert, meant, str(entry.attempts), entry.why)
        shown.add_row(*cells(*row, entry.key))
    show(shown)


def table(*columns: str) -> Table:
    """Return an empty table with these columns."""
    empty = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        empty.add_column(column, overflow="fold")
    return empty


def moment(at: datetime) -> str:
    """Return a time as people read it, to the minute."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
