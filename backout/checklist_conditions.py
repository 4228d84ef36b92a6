"""Conditions in words: what must be true, as people say it."""

from __future__ import annotations

from backout.model import format_duration as written
from backout.playbook import Playbook
from backout.rules import AllOf, AnyOf, AtLeast, Condition, Level, Occasion


def in_words(condition: Condition, playbook: Playbook) -> str:
    """Return a condition as a part of a sentence: `a` is breached and (`b` or `c` is suspect)."""
    return _words(condition, "revert", playbook, inner=False)


def _words(condition: Condition, level: Level, playbook: Playbook, *, inner: bool) -> str:
    level = condition.level or level
    said = _joined(condition, _parts(condition, level, playbook))
    if condition.within:
        said += f", now or in the last {written(condition.within)}"
    return f"({said})" if inner and (len(condition.parts) > 1 or condition.within) else said


def _parts(condition: Condition, level: Level, playbook: Playbook) -> list[str]:
    """Return the parts in words; the verb of criteria alone is said once, after the last of them."""
    if {criterion.id for criterion in playbook.criteria}.issuperset(condition.parts):
        verb = "are" if not isinstance(condition, AnyOf) and len(condition.parts) > 1 else "is"
        *names, last = (f"`{part}`" for part in condition.parts)
        return [*names, f"{last} {verb} {'suspect' if level == 'hold' else 'breached'}"]
    return [_part(part, level, playbook) for part in condition.parts]


def _joined(condition: Condition, parts: list[str]) -> str:
    match condition:
        case AnyOf():
            return " or ".join(parts)
        case AllOf():
            return " and ".join(parts)
        case AtLeast(at_least=needed):
            return f"at least {needed}, on as many signals, of {', '.join(parts)}"


def _part(part: str | Condition, level: Level, playbook: Playbook) -> str:
    if not isinstance(part, str):
        return _words(part, level, playbook, inner=True)
    if part in playbook.occasions:
        return f"{_occasion(playbook.occasions[part])} goes on"
    judgment, _, answer = part.partition(".")
    if any(one.id == judgment and answer in one.answers for one in playbook.judgments):
        return f"*{judgment}* is answered with '{answer}'"
    return f"`{part}` is {'suspect' if level == 'hold' else 'breached'}"


def _occasion(occasion: Occasion) -> str:
    lasts = f" (for {written(occasion.lasts)} at most)" if occasion.lasts else ""
    return f"a marked event `{occasion.kind}`{lasts}"
