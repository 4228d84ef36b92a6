"""Explaining: why an incident's rules decided as they did, with every number and what was not counted."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from datetime import datetime, timedelta
from typing import assert_never

from backout.conditions import independent, subject
from backout.evaluation import Evaluation, Factor, Outcome, Verdict
from backout.guard import Guard, Judged
from backout.model import Frozen, Name, format_duration
from backout.releases import Artifact
from backout.rules import AllOf, AnyOf, AtLeast, Condition, Do, Level
from backout.timeline import SignalsJudged
from backout.timeline_exposure import ExposureSet, StagePutBack
from backout.view import IncidentView


class Branch(Frozen):
    """A condition, or a leaf of one, and whether it was true."""

    text: str
    """A leaf's name, or what the condition asks of its parts."""
    holds: bool
    why: str = ""
    """Leaves: what was said of it then."""
    parts: tuple[Branch, ...] = ()


class RuleTruth(Frozen):
    """One rule, and whether its condition was true."""

    rule: Name
    do: Do
    authority: str
    fired: bool
    tree: Branch


class Weighed(Frozen):
    """One factor of the decision, with the evidence that a suspicion and a breach take."""

    factor: Factor
    rate: float | None
    suspicion: float
    need: float


class Decision(Frozen):
    """One time that the rules were held against the signals, or against what people said."""

    at: datetime
    step: str
    exposure: int | None = None
    """Percent of traffic that was on the candidate then; None where nobody had looked."""
    evaluation: Evaluation
    weighed: tuple[Weighed, ...]
    rules: tuple[RuleTruth, ...]


class Explanation(Frozen):
    """Why an incident came to be, and what it was decided on."""

    incident: str
    release: str
    baseline: str
    """The last known good release; empty where none is known."""
    artifacts: tuple[Artifact, ...]
    """What the release is made of, where it is registered."""
    exposure: int | None
    """Percent of traffic that is on the candidate now; None where nobody has looked."""
    playbook: Name
    version: int
    decision: Decision | None
    """The last one in which a rule fired; without any, the last one. None before the first."""
    judged: tuple[Judged, ...]
    """What people answered last."""
    alerts: tuple[str, ...]
    """Alerts that are firing."""
    earlier: tuple[str, ...]
    """The decisions before it, a sentence each."""


def explained(view: IncidentView) -> Explanation:
    """Return the explanation of an incident."""
    told = [event for event in view.timeline if isinstance(event, SignalsJudged) and event.sense == "breach"]
    fired = [event for event in told if event.evaluation.outcome is Outcome.FIRED]
    meant = (fired or told)[-1] if told else None
    guard = view.playbook.guard
    return Explanation(
        incident=view.summary.incident,
        release=view.summary.release,
        baseline=view.baseline,
        artifacts=view.artifacts,
        exposure=view.summary.exposure,
        playbook=view.playbook.playbook,
        version=view.playbook.version,
        decision=_decision(meant, guard, _exposure(view, meant.at)) if meant else None,
        judged=tuple(question.given for question in view.questions if question.given),
        alerts=tuple(alert.name for alert in view.firing),
        earlier=tuple(f"{event.at:%H:%M:%S} {event.line}" for event in told if event is not meant),
    )


def _exposure(view: IncidentView, at: datetime) -> int | None:
    """Return what was on the set at a moment, the most of any target: by the stages before or the next."""
    then: dict[str, int] = {}
    for event in view.timeline:
        if isinstance(event, ExposureSet | StagePutBack) and event.target in view.playbook.release_set:
            then.setdefault(event.target, event.before)
            then[event.target] = event.after if event.at <= at else then[event.target]
    return max(then.values(), default=view.summary.exposure)


def _decision(event: SignalsJudged, guard: Guard, exposure: int | None) -> Decision:
    said = event.evaluation
    return Decision(
        at=event.at,
        step=event.step,
        exposure=exposure,
        evaluation=said,
        weighed=tuple(_weighed(factor, guard) for factor in said.factors),
        rules=tuple(
            RuleTruth(
                rule=rule.id,
                do=rule.do,
                authority=rule.authority,
                fired=rule.id == said.rule,
                tree=rule_tree(rule.when, said, guard),
            )
            for rule in guard.rules
        ),
    )


def _weighed(factor: Factor, guard: Guard) -> Weighed:
    criterion = next((one for one in guard.criteria if one.id == factor.criterion), None)
    share = criterion.evidence.false_hold / criterion.evidence.false_alarm if criterion else 0.0
    return Weighed(factor=factor, rate=factor.rate, suspicion=factor.need * share, need=factor.need)


def rule_tree(condition: Condition, said: Evaluation, guard: Guard) -> Branch:
    """Return a rule's condition with the truth of each part, from what the evaluation holds.

    A part that looks back (`within`) counts as true where the rule that fired says that it counted.
    """
    return _branch(condition, _Known(said, guard), "revert", None)


class _Known:
    """What is known of the names that conditions use."""

    def __init__(self, said: Evaluation, guard: Guard) -> None:
        self.factors = {factor.criterion: factor for factor in said.factors}
        self._said = said
        self._guard = guard
        self._criteria = {one.id: one for one in guard.criteria}

    def counted(self, factor: Factor) -> bool:
        """Say whether the rule that fired counted what a criterion said before."""
        return any(reason.startswith(f"{factor.reason} (but ") for reason in self._said.reasons)

    def subjects(self, branch: Branch) -> set[Hashable]:
        """Return what the names that make a branch true speak of."""
        return {subject(name, self._criteria) for name in _holding(branch)}

    def is_said(self, name: str) -> bool:
        """Say whether a marked event goes on, or an answer is valid."""
        occasion = self._guard.occasions.get(name)
        begins = f"{occasion.kind} since " if occasion else f"{name} says "
        return any(text.startswith(begins) for text in self._said.context)


def _branch(condition: Condition, known: _Known, level: Level, within: timedelta | None) -> Branch:
    level, within = condition.level or level, condition.within or within
    parts = tuple(
        _leaf(part, known, level) if isinstance(part, str) else _branch(part, known, level, within)
        for part in condition.parts
    )
    looks_back = f", within {format_duration(within)}" if within else ""
    asked, holds = _asked(condition, parts, known)
    return Branch(text=f"{asked} (level {level}{looks_back})", holds=holds, parts=parts)


def _asked(condition: Condition, parts: tuple[Branch, ...], known: _Known) -> tuple[str, bool]:
    holding = [part for part in parts if part.holds]
    match condition:
        case AnyOf():
            return "any of", bool(holding)
        case AllOf():
            return "all of", len(holding) == len(parts)
        case AtLeast(at_least=least):
            told = zip(condition.parts, parts, strict=True)
            subjects = {part: known.subjects(branch) for part, branch in told if branch.holds}
            return f"at least {least} of", independent(subjects.values()) >= least
        case _:
            assert_never(condition)


def _holding(branch: Branch) -> Iterator[str]:
    if not branch.parts:
        yield branch.text
    for part in branch.parts:
        if part.holds:
            yield from _holding(part)


def _leaf(name: str, known: _Known, level: Level) -> Branch:
    factor = known.factors.get(name)
    if factor is None:
        is_said = known.is_said(name)
        return Branch(
            text=name, holds=is_said, why="said, or going on" if is_said else "not said, not going on"
        )
    enough = {Verdict.BREACHED} if level == "revert" else {Verdict.BREACHED, Verdict.SUSPECT}
    why = factor.reason.removeprefix(f"{name}: ")
    if factor.mode == "observe":
        return Branch(text=name, holds=False, why=f"only observed: {why}")
    if factor.verdict not in enough and known.counted(factor):
        return Branch(text=name, holds=True, why=f"by what was before: {why}")
    return Branch(text=name, holds=factor.verdict in enough, why=why)
