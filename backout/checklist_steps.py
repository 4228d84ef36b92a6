"""Each kind of step as lines of a checklist: what is done, and what happens on silence and on failure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from backout.checklist_stages import BLANK, stage_lines
from backout.model import format_duration as written
from backout.people import Action
from backout.playbook import Playbook
from backout.release_sets import Conversations
from backout.rendering import escape_markdown as plain
from backout.rules import Do
from backout.steps import (
    CheckStep,
    DetectStep,
    EscalateStep,
    ManualStep,
    Move,
    NotifyStep,
    PostmortemStep,
    RevertStep,
    RolloutStep,
    ServedStep,
    Step,
    VerifyStep,
)

_CONVERSATIONS = {
    Conversations.FINISH: "end where they began, and that no release but that one answers them",
    Conversations.MIGRATE: "go on at the baseline",
    Conversations.RESTART: "are ended, and begin anew at the baseline",
}


def step_lines(playbook: Playbook, index: int) -> Iterator[str]:
    """Yield the lines of one step: boxes to tick, then what follows if it is not done."""
    step = playbook.steps[index]
    for line in _what(step, playbook):
        yield f"- [ ] {line}"
    follower = playbook.steps[index + 1].name if index + 1 < len(playbook.steps) else "the end"
    yield f"- Not done within {written(step.within)}: {_move(step.on_timeout, step, follower)}"
    # A checklist of people can only be late; it has no way to fail.
    if not isinstance(step, ManualStep):
        yield f"- Failed: {_move(step.on_failure, step, follower)}"


def _move(move: Move, step: Step, follower: str) -> str:
    match move:
        case Move.ESCALATE:
            return f"**escalate**: page {step.owner} and every policy's roles; hold until a person decides."
        case Move.HOLD:
            return f"**hold**: page {step.owner}, and stop here until a person decides."
        case Move.PROCEED:
            return f"**proceed**: go on with {follower}; the timeline says that {step.name} is not done."
        case Move.RETRY:
            return "**retry**: run the step again, three times at most; after that, hold."
        case Move.ABORT:
            return "**abort**: stop the playbook where the world stands, and write the postmortem."
        case Move.GO_FURTHER:
            return "**go further**: revert by the stages that are left; where none is, escalate."
        case _:
            assert_never(move)


def _what(step: Step, playbook: Playbook) -> Iterator[str]:
    match step:
        case RevertStep():
            yield from _revert(step, playbook)
        case CheckStep():
            yield from (f"Check `{check}`: does it pass? What was found?" for check in step.checks)
        case NotifyStep():
            yield from _notify(step, playbook)
        case ManualStep():
            yield from map(plain, step.items)
        case RolloutStep():
            yield from _rollout(step, playbook)
        case ServedStep():
            yield from _served(step)
        case _:
            yield _one_line(step, playbook)


def _one_line(step: DetectStep | EscalateStep | VerifyStep | PostmortemStep, playbook: Playbook) -> str:
    match step:
        case DetectStep():
            return "Watch the signals. A rule fires: go on. All shown healthy: stand down, postmortem only."
        case EscalateStep():
            return f"Page by the policy {step.policy} until somebody acknowledges.{_paging_beside(playbook)}"
        case VerifyStep():
            return (
                f"Hold every limit against a whole window of {written(step.window)}: each rate is shown to "
                "be below its limit, with enough judged."
            )
        case PostmortemStep():
            return (
                f"Write the postmortem from the record (templates/postmortem/{step.template}.md.j2); people "
                f"complete and review it within {written(step.due)}."
            )
        case _:
            assert_never(step)


def _paging_beside(playbook: Playbook) -> str:
    auto = [rule.id for rule in playbook.rules if rule.do is Do.REVERT and rule.authority == "auto"]
    return f" The revert does not wait for this after {' or '.join(auto)}." if auto else ""


def _revert(step: RevertStep, playbook: Playbook) -> Iterator[str]:
    yield f"Have the authority that the fired rule asks for; where none fired, {_by_hand(playbook)}."
    yield from _instead(step, playbook)
    if any(isinstance(one, ServedStep) for one in playbook.steps):
        yield f"Begin sessions of your own before the first change; which release answers? {BLANK}"
    if step.conversations:
        yield f"See that conversations on the candidate {_CONVERSATIONS[step.conversations]}."
    yield from stage_lines(step)
    if step.on_recovery == "hold":
        yield "If users recovered before the last stage: hold, and ask whether to go on, stay, or come back."
    else:
        yield "If users recovered before the last stage: go on down all the same."


def _instead(step: RevertStep, playbook: Playbook) -> Iterator[str]:
    """Yield what may be done in the revert's place: milder, or at once."""
    for one in step.alternatives:
        where = " and ".join(f"`{part.target}`" for part in one.targets)
        stages = ", ".join(f"{stage} %" for stage in one.stages)
        yield (
            f"Whoever approves may choose {one.name} instead ({plain(one.about)}): set {where} to {stages}, "
            f"and leave out the stages below. Chosen: {BLANK}"
        )
    if may := playbook.holders(Action.EMERGENCY):
        where = ", then ".join(f"`{part.target}`" for part in step.parts)
        yield f"In an emergency, called by {' or '.join(may)}: set {where} to 0 % at once, and ask nobody."


def _rollout(step: RolloutStep, playbook: Playbook) -> Iterator[str]:
    yield f"Have it approved: {_by_hand(playbook)}. Whoever ships the release does not count: {BLANK}"
    yield from stage_lines(step)
    yield "If a rule fires at a stage: turn back to 0 % at once. If nothing shows that it is healthy: hold."


def _served(step: ServedStep) -> Iterator[str]:
    for probe in step.probes:
        yield (
            f"Ask `{probe}` until {written(step.lag)} after the last change are over, and then again: "
            f"which release answers? {BLANK}"
        )
    yield "Go on with the sessions that began before the revert: does the candidate answer any after that?"


def _by_hand(playbook: Playbook) -> str:
    quorum = max(rule.quorum for rule in playbook.rules)
    return f"{quorum} approval{'s' if quorum > 1 else ''}"


def _notify(step: NotifyStep, playbook: Playbook) -> Iterator[str]:
    yield f"Draft templates/notices/{step.template}.md.j2 for {step.audience}."
    if step.needs_approval:
        yield f"Have it approved by one of {', '.join(playbook.holders(Action.APPROVE))}: {BLANK}"
    yield f"Send it to {step.audience} through the channel `{step.channel}`."
