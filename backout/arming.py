"""Arming: a rule may revert by itself only where a backtest beside its playbook shows what it does.

The record is a file next to the playbook, `<playbook>.backtest.json`. It is bound to the playbook's name and
to what decides: signals, criteria, rules, vetoes, judgments and occasions, with the values that the software
fills in where the playbook says nothing. Who approves, and what is only told to people, may change without a
new backtest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import TypeAlias

from pydantic import ValidationError

from backout.backtest import ENOUGH, Backtest, Caught, Gate
from backout.criteria import AlertTest
from backout.guard import Guard
from backout.kinds import holds, kinds
from backout.model import Frozen, Name
from backout.playbook import Playbook
from backout.problems import Problem
from backout.rules import Do, Rule

SUFFIX = ".backtest.json"
"""A playbook's record has its file's name with this in the place of `.yaml`."""
LANGUAGE = 1
"""Raise it whenever the same rules decide otherwise on the same data: older records arm nothing then."""
MOST_FALSE_PER_DAY = 1 / 30
"""A gate that allows more false fires a day arms no rule."""
LEAST_HEALTHY_DAYS = ENOUGH / MOST_FALSE_PER_DAY
"""A backtest on fewer healthy days arms no rule."""
_AUTHORITY = {
    "authority",
    "approve_by",
    "quorum",
    "required",
    "approve_within",
    "on_timeout",
    "veto_window",
}
NOT_DECIDING = {
    "signals": {"__all__": {"about"}},
    "judgments": {"__all__": {"ask"}},
    "rules": {"__all__": _AUTHORITY},
}
"""What is only told to people, and who approves: it does not change when a rule fires."""


class Record(Frozen):
    """A backtest, as it is kept beside the playbook."""

    playbook: Name
    guard: str
    """Digest of what decides; see `guard_digest`."""
    data: str
    """Digest of the data: of the file's bytes, or of every look at the sources."""
    provenance: str = ""
    """Where the data came from; what people should know of it."""
    synthetic: bool = False
    """The data was made up: it shows that the rules work, not how they do on your traffic."""
    start: datetime
    end: datetime
    healthy_days: float
    false: int
    at_most_per_day: float
    """The true rate of false fires is at most this, with 95 % confidence."""
    caught: tuple[Caught, ...]
    gate: Gate
    passed: bool
    version: str
    """Of Backout, which ran it."""
    recorded_at: datetime


class Unreadable(Frozen):
    """There is a record, and it cannot be read."""

    why: str


Recorded: TypeAlias = Record | Unreadable | None
"""What is beside a playbook."""


def guard_digest(guard: Guard) -> str:
    """Return the SHA-256 of what decides, as `sha256:<hex>`.

    Values that are left at their default are in it: a later version's default may be another one.
    """
    told = {"language": LANGUAGE, "guard": guard.model_dump(mode="json", exclude=NOT_DECIDING)}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def read_record(text: str | None) -> Recorded:
    """Return the record of a file's text; None where there is no file."""
    if text is None:
        return None
    try:
        return Record.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        return Unreadable(why=f"{place}: {first['msg']}")


def record_of(
    result: Backtest, guard: Guard, *, data: str, provenance: str, version: str, at: datetime
) -> Record:
    """Return the record of a backtest of some time; a provenance that begins with `synthetic` marks it so."""
    assert result.start is not None  # noqa: S101  # the caller refuses a backtest of nothing
    assert result.end is not None  # noqa: S101  # as above
    return Record(
        playbook=result.playbook,
        guard=guard_digest(guard),
        data=data,
        provenance=provenance,
        synthetic=provenance.lower().startswith("synthetic"),
        start=result.start,
        end=result.end,
        healthy_days=result.healthy_days,
        false=result.false,
        at_most_per_day=result.at_most_per_day or 0.0,
        caught=result.caught,
        gate=result.gate,
        passed=result.passed,
        version=version,
        recorded_at=at,
    )


def armed(playbook: Playbook, record: Recorded) -> Playbook:
    """Return the playbook as it may run: an `auto` rule without a passing backtest asks for approval."""
    why = disarmed(playbook, record)
    if not why:
        return playbook
    rules = tuple(
        rule.model_copy(update={"authority": "approve"}) if rule.id in why else rule
        for rule in playbook.rules
    )
    return playbook.model_copy(update={"rules": rules})


def disarmed(playbook: Playbook, record: Recorded) -> dict[str, str]:
    """Return the `auto` rules that may not revert by themselves, each with the reason."""
    found = {}
    for _, rule in _automatic(playbook):
        if why := _unproven(playbook, rule, record):
            found[rule.id] = why
    return found


def arming_problems(playbook: Playbook, record: Recorded) -> tuple[Problem, ...]:
    """Warn of `auto` rules that act as `approve`, and of a backtest on data that was made up."""
    why = disarmed(playbook, record)
    found = [
        Problem(path=("rules", index, "authority"), message=_acts_as(rule, why[rule.id]), severity="warning")
        for index, rule in _automatic(playbook)
        if rule.id in why
    ]
    armed_by = [index for index, rule in _automatic(playbook) if rule.id not in why]
    if armed_by and isinstance(record, Record) and record.synthetic:
        msg = "armed by a backtest on synthetic data; replace it by yours ('backout backtest ... --record')"
        found.append(Problem(path=("rules", armed_by[0], "authority"), message=msg, severity="warning"))
    return tuple(found)


def _automatic(playbook: Playbook) -> Iterator[tuple[int, Rule]]:
    for index, rule in enumerate(playbook.rules):
        if rule.authority == "auto" and rule.do is Do.REVERT:
            yield index, rule


def _acts_as(rule: Rule, why: str) -> str:
    return f"rule '{rule.id}' acts as 'approve': {why}. Arm it with 'backout backtest ... --record'"


def _unproven(playbook: Playbook, rule: Rule, record: Recorded) -> str:
    """Say why the record does not arm the rule; empty where it does."""
    match record:
        case None:
            return "no backtest is recorded beside the playbook"
        case Unreadable(why=why):
            return f"the recorded backtest cannot be read ({why})"
        case Record(playbook=other) if other != playbook.playbook:
            return f"the recorded backtest is of playbook '{other}'"
        case Record() if record.guard != guard_digest(playbook.guard):
            return (
                "the recorded backtest is of other signals, criteria or rules, or of other defaults of them"
            )
        case Record() if why := _too_weak(record):
            return f"the recorded backtest {why}"
        case Record() if rule.id not in record.gate.rules:
            return "the recorded backtest did not judge it"
        case _:
            return (
                "alerts alone can fire it, and a backtest hears none" if _is_unheard(playbook, rule) else ""
            )


def _too_weak(record: Record) -> str:
    """Say why what a backtest shows is too little for any rule; empty where it is enough."""
    allowed, most = record.gate.max_false_per_day, MOST_FALSE_PER_DAY
    if not record.passed:
        return "did not pass its gate"
    if allowed is None or record.gate.must_catch is None:
        return "had no gate"
    if allowed > most:
        return (
            f"had a gate of {allowed:g} false fires a day; more than {most:.4f}, one in 30 days, arms nothing"
        )
    if record.healthy_days < LEAST_HEALTHY_DAYS:
        return f"has {record.healthy_days:.3g} healthy days; fewer than {LEAST_HEALTHY_DAYS:.3g} arm nothing"
    if record.false > most * record.healthy_days:
        return f"has {record.false} false fires in {record.healthy_days:.3g} healthy days; that arms nothing"
    if not any(one.at for one in record.caught):
        return "caught no bad period; what was never seen to fire when it should is not armed"
    return ""


def _is_unheard(playbook: Playbook, rule: Rule) -> bool:
    """Say whether a rule can fire without anything that a backtest shows."""
    alerts = {one.id for one in playbook.criteria if isinstance(one.test, AlertTest)}
    known = kinds(playbook)
    return holds(rule.when, alerts | known.occasions | known.answers, known)
