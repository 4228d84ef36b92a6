"""Rules, vetoes, judgments and occasions: what could never matter, and times that cannot work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from backout.lint_conditions import conditions, leaves
from backout.lint_steps import NEVER_OF_SILENCE
from backout.model import format_duration as written
from backout.playbook import Playbook
from backout.problems import Path, Problem
from backout.rules import Do, Judgment, Rule, Veto, Weight
from backout.steps import RevertStep

LONGEST_VETO = timedelta(days=1)
"""Beyond this a veto is a switched-off rule that nobody has decided on."""
_TWO = 2


def rule_problems(playbook: Playbook) -> Iterator[Problem]:
    """Yield what cannot work in rules and in what weighs on them."""
    for i, rule in enumerate(playbook.rules):
        yield from _approval(("rules", i), rule, playbook)
        yield from _investigation(("rules", i), rule)
    for i, veto in enumerate(playbook.vetoes):
        yield from _veto(("vetoes", i), veto, playbook)
    for i, judgment in enumerate(playbook.judgments):
        yield from _judgment(("judgments", i), judgment, playbook)
    for name, occasion in playbook.occasions.items():
        yield from _too_short(("occasions", name, "lasts"), occasion.lasts, playbook)
    yield from _too_short(("rearm", "quiet"), playbook.rearm.quiet, playbook)
    yield from _no_cooldown(("rearm", "cooldown"), playbook)


def _too_short(path: Path, length: timedelta | None, playbook: Playbook) -> Iterator[Problem]:
    if length is not None and length < playbook.tick:
        msg = (
            f"{written(length)} is shorter than a tick ({written(playbook.tick)}), so nobody would see it; "
            "lengthen it"
        )
        yield Problem(path=path, message=msg)


def _no_cooldown(path: Path, playbook: Playbook) -> Iterator[Problem]:
    if playbook.rearm.cooldown <= playbook.tick:
        msg = (
            f"{written(playbook.rearm.cooldown)} is no longer than a tick ({written(playbook.tick)}), so a "
            "rule could fire at every tick, and people be called each time; lengthen it"
        )
        yield Problem(path=path, message=msg)


def _approval(path: Path, rule: Rule, playbook: Playbook) -> Iterator[Problem]:
    if rule.do in {Do.HOLD, Do.PAGE} or (rule.do is Do.REVERT and rule.authority != "approve"):
        return
    windows = [step.within for step in playbook.steps if isinstance(step, RevertStep)]
    if rule.approve_within and windows and rule.approve_within >= windows[0]:
        msg = (
            f"the revert step ends after {written(windows[0])}, before these "
            f"{written(rule.approve_within)} are over; shorten this or lengthen the step's within"
        )
        yield Problem(path=(*path, "approve_within"), message=msg)
    if rule.on_timeout and (why := NEVER_OF_SILENCE.get(rule.on_timeout)):
        msg = f"a rule cannot {rule.on_timeout}: {why}. Choose one of escalate, hold, retry, abort"
        yield Problem(path=(*path, "on_timeout"), message=msg)


def _investigation(path: Path, rule: Rule) -> Iterator[Problem]:
    if rule.do is not Do.PAUSE_AND_INVESTIGATE or not rule.approve_by:
        return
    if len(set(rule.approve_by)) < _TWO:
        msg = "after an investigation two roles decide about a revert; name a second one, or leave this out"
        yield Problem(path=(*path, "approve_by"), message=msg)


def _veto(path: Path, veto: Veto, playbook: Playbook) -> Iterator[Problem]:
    doing = {rule.id: rule.do for rule in playbook.rules}
    for i, name in enumerate(veto.blocks):
        if name in veto.unless:
            msg = f"rule '{name}' is blocked by this veto and ends it; take it out of 'blocks' or of 'unless'"
            yield Problem(path=(*path, "blocks", i), message=msg)
        if doing.get(name, Do.REVERT) is not Do.REVERT:
            msg = f"rule '{name}' reverts nothing ('do: {doing[name]}'), so this only hides what it sees"
            yield Problem(path=(*path, "blocks", i), message=msg, severity="warning")
    yield from _too_short((*path, "max_hold"), veto.max_hold, playbook)
    if veto.max_hold > LONGEST_VETO:
        msg = (
            f"for {written(veto.max_hold)} no rule of this veto would revert, and nobody would be asked; "
            f"{written(LONGEST_VETO)} is long"
        )
        yield Problem(path=(*path, "max_hold"), message=msg, severity="warning")


def _judgment(path: Path, judgment: Judgment, playbook: Playbook) -> Iterator[Problem]:
    if len(judgment.answers) < _TWO:
        msg = "a question with one answer asks nothing; give it a second, such as 'fine: carry on'"
        yield Problem(path=(*path, "answers"), message=msg, severity="warning")
    named = {leaf.name for way, condition in conditions(playbook) for leaf in leaves(condition, way)}
    used = any(f"{judgment.id}.{answer}" in named for answer in judgment.answers)
    if not used and set(judgment.answers.values()) == {Weight.CARRY_ON}:
        msg = "every answer means to carry on, and no condition names one; the question changes nothing"
        yield Problem(path=(*path, "answers"), message=msg, severity="warning")
    yield from _too_short((*path, "expires"), judgment.expires, playbook)
