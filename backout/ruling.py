"""Ruling: which rule fires, which ones are held back, and what must be remembered of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from backout.conditions import Facts, Truth, truth
from backout.evaluation import Verdict, Vetoed
from backout.guard import Guard, Judged
from backout.judging import answer_name, weighing
from backout.rules import Do, Rule, Veto, Weight
from backout.watch import Watch

Times = Mapping[str, datetime]


class Fired(NamedTuple):
    """What fired: a rule, or an answer that asks for a revert."""

    key: str
    """The rule's id, or the answer's name."""
    rule: str | None
    do: Do
    truth: Truth
    """What made its condition true."""
    decide_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ruling:
    """What fired, what did not, and what the watch must remember."""

    fired: Fired | None
    vetoed: tuple[Vetoed, ...]
    observed: tuple[str, ...]
    """Rules that would be true if criteria that only observe counted."""
    memory: Mapping[str, Times]
    """New values of the watch's fields."""


def ruled(
    watch: Watch,
    guard: Guard,
    facts: Facts,
    *,
    last: datetime | None,
    answers: Mapping[str, Judged],
    answered: Collection[str],
) -> Ruling:
    """Hold the rules against the facts. `watch` remembers what was, `last` is the look before this one.

    The first rule of the playbook fires of those whose condition is true, that are armed, that were not dealt
    with (`answered`) and that nothing holds back. An answer that says `revert now` fires once, without a
    rule; only a rule that reverts comes before it.
    """
    true = {
        rule.id: found
        for rule in guard.rules
        if (found := truth(rule.when, facts, again=rule.id in watch.fired_at)).holds
    }
    vetoes = _vetoes(watch, guard, facts)
    standing = [veto for veto in vetoes.standing if not true.keys() & set(veto.unless)]
    held: list[Vetoed] = []
    fired: Fired | None = None
    for rule in guard.rules:
        if rule.id not in true or rule.id in answered or not _is_armed(rule, watch, guard, facts.at, last):
            continue
        on_it = [veto for veto in standing if rule.id in veto.blocks]
        blocks = [*_held_off(rule, guard, answers), *_blocks(rule, on_it, vetoes.since, facts.at)]
        held += blocks
        if not blocks and fired is None:
            # Vetoes that stand on it and do not block it have run out: their roles decide.
            roles = tuple(dict.fromkeys(role for veto in on_it for role in veto.decide_by))
            fired = Fired(rule.id, rule.id, rule.do, true[rule.id], roles)
    if fired is None or fired.do is not Do.REVERT:
        fired = _demanded(watch, guard, answers, answered) or fired
    fired_at = {**watch.fired_at, **({fired.key: facts.at} if fired else {})}
    true_at = {**vetoes.true_at, **{key: facts.at for key in fired_at if key in true}}
    return Ruling(
        fired=fired,
        vetoed=tuple(held),
        observed=_observed(guard, facts, true, watch.fired_at),
        memory={"fired_at": fired_at, "true_at": true_at, "vetoed_at": vetoes.since},
    )


def _is_armed(rule: Rule, watch: Watch, guard: Guard, at: datetime, last: datetime | None) -> bool:
    """Say whether a rule may fire: it never did, or that is long ago and it was untrue for long."""
    fired = watch.fired_at.get(rule.id)
    if fired is None:
        return True
    # Quiet is what was seen: a time without looks proves nothing, but for the look that ended it.
    quiet = last - watch.true_at.get(rule.id, fired) if last else None
    return quiet is not None and quiet >= guard.rearm.quiet and at - fired >= guard.rearm.cooldown


class _Vetoes(NamedTuple):
    standing: list[Veto]
    """Those whose condition is true now."""
    since: dict[str, datetime]
    true_at: dict[str, datetime]


def _vetoes(watch: Watch, guard: Guard, facts: Facts) -> _Vetoes:
    """Return which vetoes are true and since when: a break shorter than `quiet` begins none anew."""
    found = _Vetoes([], {}, dict(watch.true_at))
    for veto in guard.vetoes:
        # No rule can have this name.
        key = f"veto:{veto.id}"
        if truth(veto.when, facts).holds:
            found.standing.append(veto)
            found.since[veto.id] = watch.vetoed_at.get(veto.id, facts.at)
            found.true_at[key] = facts.at
        elif veto.id in watch.vetoed_at and facts.at - found.true_at.get(key, facts.at) < guard.rearm.quiet:
            found.since[veto.id] = watch.vetoed_at[veto.id]
        else:
            found.true_at.pop(key, None)
    return found


def _blocks(rule: Rule, vetoes: Collection[Veto], since: Times, at: datetime) -> list[Vetoed]:
    """Return the vetoes that hold a rule back for some time yet."""
    return [
        Vetoed(rule=rule.id, veto=veto.id, until=since[veto.id] + veto.max_hold)
        for veto in vetoes
        if at < since[veto.id] + veto.max_hold
    ]


def _held_off(rule: Rule, guard: Guard, answers: Mapping[str, Judged]) -> list[Vetoed]:
    """Return the answers that hold a rule back that reverts."""
    if rule.do is not Do.REVERT:
        return []
    return [
        Vetoed(rule=rule.id, veto=judgment.id, until=answer.until)
        for judgment, answer in weighing(guard, answers, Weight.HOLD_OFF)
    ]


def _demanded(
    watch: Watch, guard: Guard, answers: Mapping[str, Judged], answered: Collection[str]
) -> Fired | None:
    """Return the answer that asks for a revert and was not heard yet."""
    for judgment, answer in weighing(guard, answers, Weight.REVERT):
        key = answer_name(answer)
        heard = watch.fired_at.get(key)
        if key not in answered and (heard is None or heard < answer.at):
            return Fired(key, None, Do.REVERT, Truth(holds=True, by=(key,)), judgment.by)
    return None


def _observed(guard: Guard, facts: Facts, true: Collection[str], fired_at: Times) -> tuple[str, ...]:
    observers = [one.id for one in facts.criteria.values() if one.mode == "observe"]
    if not observers:
        return ()
    counting = replace(facts, with_observed=True)
    up = (Verdict.SUSPECT, Verdict.BREACHED)
    criteria = (f"criterion {one} is {facts.verdicts[one]}" for one in observers if facts.verdicts[one] in up)
    rules = (
        f"rule {rule.id} would have fired"
        for rule in guard.rules
        if rule.id not in true and truth(rule.when, counting, again=rule.id in fired_at).holds
    )
    return (*rules, *criteria)
