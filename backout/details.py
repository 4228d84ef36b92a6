"""What Temporal's UI shows of an incident: what it is about, where it stands and what happens next."""

from __future__ import annotations

from backout.case import OpenIncident
from backout.commands import judging, word_of
from backout.people import NEEDS_SUBJECT, Action
from backout.rendering import escape_markdown
from backout.view import Ask, Briefing, Question


def page(brief: Briefing) -> str:
    """Return the page."""
    summary = brief.summary
    at = summary.by_target or f"{summary.exposure} %"
    exposure = "not read yet" if summary.exposure is None else f"{at} on the candidate"
    rows = (
        ("Phase", summary.phase.value),
        ("Outcome", summary.outcome.value),
        ("Severity", summary.severity.value),
        ("Held", brief.held),
        ("Exposure", exposure),
        ("Signals", brief.fired),
        ("Owned by", brief.acknowledged_by or "nobody yet"),
        ("Alerts", str(summary.alerts)),
        ("Not sent", "; ".join(brief.stakes.unsent)),
        ("News not told yet", brief.untold),
        ("Postmortem", brief.postmortem),
    )
    lines = [f"# {summary.service} {summary.release}", ""]
    lines += [f"- **{name}:** {escape_markdown(value)}" for name, value in rows if value]
    if brief.step:
        until = f", until {brief.step_until:%Y-%m-%d %H:%M:%S} UTC" if brief.step_until else ""
        lines += ["", "## Now", f"Step **{brief.step}**{until}"]
    if brief.asks:
        lines += ["", "## Waits for people", *(_asked(ask, summary.incident) for ask in brief.asks)]
    if brief.questions:
        lines += ["", "## Judgments", *(_question(one, summary.incident) for one in brief.questions)]
    if brief.notices:
        lines += ["", "## Due", *(f"- {escape_markdown(one.line)}" for one in brief.notices)]
    if brief.next_steps:
        lines += ["", "## Next", *(f"{number}. {name}" for number, name in enumerate(brief.next_steps, 1))]
    return "\n".join(lines)


def _asked(ask: Ask, incident: str) -> str:
    who = " or ".join(ask.roles) or "a person"
    until = f" until {ask.until:%H:%M:%S} UTC" if ask.until else ""
    verbs = ", ".join(f"`backout {word_of(action)} {incident}{_code(action, ask)}`" for action in ask.actions)
    return f"- **{who}**{until}: {escape_markdown(ask.headline)} ({verbs})"


def _question(question: Question, incident: str) -> str:
    who, said = " or ".join(question.roles), escape_markdown(question.line)
    return f"- **{who}**: {said} (`backout {judging(question, incident)}`)"


def _code(action: Action, ask: Ask) -> str:
    return f" {ask.code}" if action in NEEDS_SUBJECT else ""


def summary(opening: OpenIncident) -> str:
    """Return an incident in one line."""
    playbook = opening.playbook
    about = f"{playbook.playbook} version {playbook.version}, {playbook.severity.value}"
    return f"{opening.service}/{opening.release}: {about}"


def about(opening: OpenIncident) -> str:
    """Return what an incident is about, in Markdown."""
    playbook = opening.playbook
    lines = (
        f"**{playbook.playbook}** version {playbook.version}, `{opening.digest}`",
        "",
        playbook.scenario,
        "",
        f"- users: {playbook.at_risk.users}",
        f"- safety: {playbook.at_risk.safety}",
        f"- business: {playbook.at_risk.business}",
        "",
        f"Steps: {', '.join(step.name for step in playbook.steps)}",
    )
    return "\n".join(lines)
