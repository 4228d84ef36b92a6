"""Escalation policies as a checklist shows them: whom to call, how, when, and what silence means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from backout.checklist_stages import BLANK
from backout.escalation import Level, Policy
from backout.model import format_duration as written
from backout.playbook import Playbook
from backout.steps import Move


def ladder_lines(playbook: Playbook, people: Mapping[str, str]) -> Iterator[str]:
    """Yield a section for each policy; `people` are those who fill each role, as text."""
    for name, policy in playbook.escalation.items():
        yield f"## Escalation policy {name}"
        yield ""
        yield "Page level after level until somebody acknowledges. A hold does not stop it."
        yield ""
        yield "| Level | After | Page | They have | Paged at |"
        yield "| --- | --- | --- | --- | --- |"
        yield from _levels(policy, people)
        yield ""
        yield from _ends(policy, playbook.channel)
    pause = written(playbook.remind)
    yield f"A held incident pages again after {pause}, then after twice as long, up to once a day."
    yield ""


def _levels(policy: Policy, people: Mapping[str, str]) -> Iterator[str]:
    after = timedelta()
    for number, level in enumerate(policy.levels, 1):
        begins = written(after) if after else "at once"
        yield f"| {number} | {begins} | {_whom(level, people)} | {written(level.wait)} | {BLANK} |"
        after += level.wait


def _whom(level: Level, people: Mapping[str, str]) -> str:
    called = [f"{role} ({people.get(role, 'unknown')})" for role in level.page]
    called += [*level.people, *(f"on call by {rota}: {BLANK}" for rota in level.rotas)]
    text = ", ".join(called)
    if level.via:
        text += f"; also by {', '.join(level.via)}"
    if level.hours:
        text += f"; only in the hours of {level.hours}"
    if level.off_hours:
        text += f"; only outside the hours of {level.off_hours}"
    return text


def _ends(policy: Policy, channel: str) -> Iterator[str]:
    if any(level.hours or level.off_hours for level in policy.levels):
        yield "- A level that is not for this hour is passed over: page the next one at once."
    if any(level.via for level in policy.levels):
        yield f"- Every page is posted in `{channel}`, whatever else it goes out by."
    if policy.loops > 1:
        total = written(policy.lasting)
        yield f"- Nobody answers: begin again with level 1, {policy.loops} rounds in all ({total})."
    if policy.repage:
        pause = written(policy.repage)
        yield f"- Acknowledged, still firing after {pause}: page whoever is on call then, from level 1 on."
    if policy.unanswered:
        yield f"- Nobody answered at all: **{policy.unanswered}**{_MEANS[policy.unanswered]}."
    else:
        yield "- Nobody answered at all: as the step says that pages by it."
    yield ""


_MEANS = {
    Move.ESCALATE: ": page every policy's people, and hold until a person decides",
    Move.HOLD: ": stop until a person decides",
    Move.PROCEED: ": go on; the timeline says that nobody answered",
    Move.ABORT: ": stop the playbook where the world stands, and write the postmortem",
    Move.RETRY: "",
}
