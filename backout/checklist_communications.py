"""Communications on paper: who is told, by when, by whose leave; and the templates of all messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backout.authority import named
from backout.checklist_rights import table
from backout.checklist_stages import BLANK
from backout.communications import Communication
from backout.model import format_duration as written
from backout.playbook import Playbook
from backout.steps import NotifyStep

_MOMENTS = {
    "opened": "the incident is opened",
    "acknowledged": "somebody acknowledges",
    "reverting": "the first exposure is set",
    "reverted": "the last stage is done",
    "verified": "users were seen to recover",
    "closed": "the incident is over",
}


def communication_lines(playbook: Playbook, people: Mapping[str, str]) -> Iterator[str]:
    """Yield what each audience is told beside the steps, with blanks for when it was."""
    if not playbook.communications:
        return
    yield "## Communications"
    yield ""
    yield "Beside the steps, whatever holds them. One that is not sent in time is late: call its owner."
    yield ""
    head = ("To", "Through", "At the latest", "Until", "Approved by", "Owner", "Sent at")
    yield from table(head, (_row(one, playbook, people) for one in playbook.communications))


def _row(told: Communication, playbook: Playbook, people: Mapping[str, str]) -> tuple[str, ...]:
    again = f", then every {written(told.every)}" if told.every else ", once"
    last = ", with a last word" if told.every and told.until == "closed" else ""
    return (
        f"{told.audience} ({told.id})",
        f"`{told.channel}`",
        f"{written(told.within)} after {_MOMENTS[told.after]}{again}",
        f"{_MOMENTS[told.until]}{last}",
        _approval(told, playbook),
        f"{told.owner} ({people.get(told.owner, 'unknown')})",
        BLANK,
    )


def _approval(told: Communication, playbook: Playbook) -> str:
    if not told.needs_approval:
        return "nobody"
    roles = " or ".join(named(told.approve_by, told.required, playbook))
    must = f", {' and '.join(told.required)} among them" if told.required else ""
    return f"{told.quorum} of {roles}{must}"


def template_lines(playbook: Playbook, notices: Mapping[str, str]) -> Iterator[str]:
    """Yield the templates of the messages that the playbook sends."""
    steps = [step for step in playbook.steps if isinstance(step, NotifyStep)]
    used = [*(step.template for step in steps), *(one.template for one in playbook.communications)]
    files = dict.fromkeys(f"notices/{template}.md.j2" for template in used)
    shown = [name for name in files if name in notices]
    if shown:
        yield "## Message templates"
        yield ""
    for name in shown:
        yield f"### templates/{name}"
        yield ""
        yield from ("```jinja", notices[name].strip(), "```", "")
