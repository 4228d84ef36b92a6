"""The page that Temporal's UI shows for an incident: where it stands and what happens next, in Markdown."""

from __future__ import annotations

from backout.people import NEEDS_SUBJECT, Action
from backout.rendering import escape_markdown
from backout.view import Ask, Briefing


def page(brief: Briefing) -> str:
    """Return the page."""
    summary = brief.summary
    exposure = "not read yet" if summary.exposure is None else f"{summary.exposure} % on the candidate"
    rows = (
        ("Phase", summary.phase.value),
        ("Outcome", summary.outcome.value),
        ("Held", brief.held),
        ("Exposure", exposure),
        ("Signals", brief.fired),
        ("Owned by", brief.acknowledged_by or "nobody yet"),
        ("Alerts", str(summary.alerts)),
        ("Postmortem", brief.postmortem),
    )
    lines = [f"# {summary.service} {summary.release}", ""]
    lines += [f"- **{name}:** {escape_markdown(value)}" for name, value in rows if value]
    if brief.step:
        until = f", until {brief.step_until:%Y-%m-%d %H:%M:%S} UTC" if brief.step_until else ""
        lines += ["", "## Now", f"Step **{brief.step}**{until}"]
    if brief.asks:
        lines += ["", "## Waits for people", *(_asked(ask, summary.incident) for ask in brief.asks)]
    if brief.next_steps:
        lines += ["", "## Next", *(f"{number}. {name}" for number, name in enumerate(brief.next_steps, 1))]
    return "\n".join(lines)


def _asked(ask: Ask, incident: str) -> str:
    who = " or ".join(ask.roles) or "a person"
    until = f" until {ask.until:%H:%M:%S} UTC" if ask.until else ""
    verbs = ", ".join(f"`backout {command(action)} {incident}{_code(action, ask)}`" for action in ask.actions)
    return f"- **{who}**{until}: {escape_markdown(ask.headline)} ({verbs})"


def _code(action: Action, ask: Ask) -> str:
    return f" {ask.code}" if action in NEEDS_SUBJECT else ""


def command(action: Action) -> str:
    """Return the word that people type for an action."""
    return "ack" if action is Action.ACKNOWLEDGE else action.value
