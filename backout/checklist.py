"""The playbook as a checklist for people: all that the engine does, on paper, to run a tabletop from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backout.checklist_communications import communication_lines, template_lines
from backout.checklist_ladders import ladder_lines
from backout.checklist_rights import rights_lines, table
from backout.checklist_stages import BLANK
from backout.checklist_steps import step_lines
from backout.checklist_triggers import trigger_lines
from backout.model import format_duration as written
from backout.people import Action, ReleaseRight
from backout.playbook import Playbook, Proven
from backout.rendering import escape_markdown as plain


def render(
    playbook: Playbook,
    *,
    members: Mapping[str, tuple[str, ...]] | None,
    notices: Mapping[str, str] | None = None,
) -> str:
    """Return the whole playbook as Markdown.

    `members` are the people who fill each role, by name; None leaves blanks to be filled in by hand.
    `notices` are the notice templates by their names below templates/, to be printed at the end.
    """
    people = _people(playbook, members)
    sections = (
        _head(playbook),
        trigger_lines(playbook),
        rights_lines(playbook, people),
        ladder_lines(playbook, people),
        _steps("## Steps", playbook, people),
        _rollout(playbook, people),
        communication_lines(playbook, people),
        template_lines(playbook, notices or {}),
    )
    return "\n".join(line for section in sections for line in section).rstrip() + "\n"


def _people(playbook: Playbook, members: Mapping[str, tuple[str, ...]] | None) -> dict[str, str]:
    if members is None:
        return dict.fromkeys(playbook.roles, BLANK)
    return {role: ", ".join(members.get(role, ())) or "nobody" for role in playbook.roles}


def _head(playbook: Playbook) -> Iterator[str]:
    release = playbook.release
    yield f"# {playbook.playbook}, version {playbook.version}"
    yield ""
    yield f"**{playbook.severity.value.capitalize()}.** {plain(playbook.scenario)}"
    yield ""
    risk = playbook.at_risk
    rows = (("Users", risk.users), ("Safety", risk.safety), ("Business", risk.business))
    yield from table(("At risk", ""), ((what, plain(text)) for what, text in rows))
    yield f"- A release of `{release.service}` is its {', '.join(release.artifacts)}, taken back together."
    if release.requests:
        yield f"- Blast radius: `{' '.join(release.requests.query.split())}` of `{release.requests.source}`."
    if release.proven:
        yield _proven(release.proven, playbook)
    yield f"- Responders work in the channel `{playbook.channel}`."
    yield f"- Incident: {BLANK}  Release: {BLANK}  Opened at: {BLANK}"
    yield ""


def _proven(proven: Proven, playbook: Playbook) -> str:
    """Return what the last known good release must have shown, and who may go on without that."""
    ways = list(playbook.holders(Action.OVERRIDE))
    if playbook.break_glass:
        ways.append(f"two people in two of {', '.join(playbook.break_glass.roles)}, who break the glass")
    checks = f", and these checks must pass for it: {', '.join(proven.checks)}" if proven.checks else ""
    return (
        f"- Before anything is reverted: the last known good release, or a newer one, has served "
        f"{proven.requests:,} requests in {written(proven.over)} without an incident{checks}. Else ask "
        f"{' or '.join(ways) or 'nobody: hold'}. Which one is it? {BLANK}"
    )


def _rollout(playbook: Playbook, people: Mapping[str, str]) -> Iterator[str]:
    if not playbook.rollout:
        return
    yield from _steps("## Rollout and re-release", playbook.rolling_out(), people)
    may = ", ".join(playbook.holders(ReleaseRight.ROLLOUT))
    yield f"- Who may begin it: {may}. A release whose artifacts are quarantined is refused."
    yield ""


def _steps(heading: str, playbook: Playbook, people: Mapping[str, str]) -> Iterator[str]:
    yield heading
    yield ""
    for index, step in enumerate(playbook.steps):
        kind = "" if step.name == step.step else f" ({step.step})"
        yield f"### {index + 1}. {step.name}{kind}: {step.owner}, within {written(step.within)}"
        yield ""
        owner = f"{step.owner} ({people.get(step.owner, 'unknown')})"
        yield f"- Owner: {owner}. Began at: {BLANK}  Done at: {BLANK}"
        yield from step_lines(playbook, index)
        yield ""
