"""Triggers: looks become readings, readings evidence, evidence verdicts, and verdicts what the rules say.

Pure: a watch and a look go in, the next watch and an evaluation come out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from backout import judging, readings, recovering, verdicts
from backout.alerts import Alert
from backout.blindness import asked_for, blindness, in_words
from backout.conditions import Facts
from backout.counting import Look
from backout.criteria import EventTest
from backout.evaluation import Evaluation, Factor, Outcome, Verdict
from backout.evidence import weighed
from backout.guard import Guard, Judged
from backout.rules import Weight
from backout.ruling import Fired, Ruling, ruled
from backout.streams import stream_key
from backout.verdicts import Said
from backout.watch import Watch

recovery = recovering.recovery
CONFIDENCE = recovering.CONFIDENCE


class _People(NamedTuple):
    """What people and their alerts say at a moment."""

    firing: frozenset[str]
    answers: dict[str, Judged]
    answered: frozenset[str]
    weaker: float
    strangers: tuple[str, ...]


def advance(watch: Watch, look: Look, *, guard: Guard, keep: int) -> Watch:
    """Return the watch after one look: counted, weighed, and when each criterion was last at its levels.

    `keep` is how many readings the window holds.
    """
    grown = _grown(_in_order(watch, look.at), look, guard, keep)
    return grown.model_copy(update=_levels(grown, verdicts.said(grown, guard), guard))


def tick(  # noqa: PLR0913  # all that weighs in
    watch: Watch,
    look: Look,
    *,
    guard: Guard,
    firing: Iterable[Alert] = (),
    judged: Iterable[Judged] = (),
    answered: Collection[str] = (),
    keep: int = 1,
) -> tuple[Watch, Evaluation]:
    """Advance by one look and hold the rules against what is known then, in the breach sense.

    Args:
        watch: the watch before the look.
        look: what all sources said.
        guard: what decides.
        firing: alerts; those that are resolved do not count.
        judged: people's answers; those that are not valid at the look do not count.
        answered: rules, and answers as `<judgment>.<answer>`, that were dealt with: they do not fire.
        keep: how many readings the window holds, over which recovery must be shown before all is clear.

    Returns:
        The watch after the look, which remembers what fired, and the evaluation.
    """
    people = _people(guard, look.at, firing, judged, answered)
    watch = _in_order(watch, look.at)
    grown = _grown(watch, look, guard, keep)
    found = verdicts.said(grown, guard, firing=people.firing, weaker=people.weaker)
    grown = grown.model_copy(update=_levels(grown, found, guard))
    ruling = _ruling(grown, guard, found, people, last=watch.at)
    notes = tuple(readings.flaws(watch, look, grown.tracks, guard=guard))
    said = _evaluation(grown, guard, found, ruling, people)
    said = said.model_copy(update={"not_counted": (*notes, *said.not_counted)}) if notes else said
    return grown.model_copy(update=dict(ruling.memory)), said


def by_people(
    guard: Guard,
    *,
    at: datetime,
    firing: Iterable[Alert] = (),
    judged: Iterable[Judged] = (),
    answered: Collection[str] = (),
) -> Evaluation:
    """Return what alerts and answers say alone, without any data: a rule fires, or nothing is known.

    Whatever is measured counts as not true here. A veto that alerts or answers make true holds rules back as
    if it had just begun: only a watch knows when it ends.
    """
    people = _people(guard, at, firing, judged, answered)
    watch = Watch(started_at=at, at=at)
    found = verdicts.said(watch, guard, firing=people.firing)
    ruling = _ruling(watch, guard, found, people, last=None)
    alone = tuple(one for one in found if one.factor.signal is None)
    return _evaluation(watch, guard, alone, ruling, people)


def _people(
    guard: Guard,
    at: datetime,
    firing: Iterable[Alert],
    judged: Iterable[Judged],
    answered: Collection[str],
) -> _People:
    judged = tuple(judged)
    answers = judging.valid(guard, judged, at)
    return _People(
        firing=frozenset(alert.name for alert in firing if alert.status == "firing"),
        answers=answers,
        answered=frozenset(answered),
        weaker=judging.WEAKER if any(judging.weighing(guard, answers, Weight.WEAKER)) else 1,
        strangers=tuple(judging.strangers(guard, judged)),
    )


def _grown(watch: Watch, look: Look, guard: Guard, keep: int) -> Watch:
    """Return the watch with what a look brought counted and weighed."""
    tracks = readings.counted(watch, look, guard=guard, keep=keep)
    news = {
        "ticks": watch.ticks + 1,
        "tracks": tracks,
        **weighed(watch, tracks, guard=guard)._asdict(),
        "at": look.at,
        "events": look.events,
        "problems": look.problems,
    }
    return watch.model_copy(update=news)


def _levels(watch: Watch, found: Sequence[Said], guard: Guard) -> dict[str, dict[str, datetime]]:
    """Return when each criterion was last suspect or more, and when it was last breached."""
    at = watch.at or watch.started_at
    suspect, breached = dict(watch.suspect_at), dict(watch.breached_at)
    for criterion, (factor, _) in zip(guard.criteria, found, strict=True):
        if isinstance(criterion.test, EventTest):
            # Once there was an event the verdict stays: what passes is how long ago it was.
            if watch.tracks[stream_key(criterion)].recent[-1].bad:
                suspect[criterion.id] = breached[criterion.id] = at
        elif factor.verdict is Verdict.BREACHED:
            suspect[criterion.id] = breached[criterion.id] = at
        elif factor.verdict is Verdict.SUSPECT:
            suspect[criterion.id] = at
    return {"suspect_at": suspect, "breached_at": breached}


def _ruling(
    watch: Watch, guard: Guard, found: Sequence[Said], people: _People, *, last: datetime | None
) -> Ruling:
    at = watch.at or watch.started_at
    facts = Facts(
        at=at,
        criteria={criterion.id: criterion for criterion in guard.criteria},
        verdicts={factor.criterion: factor.verdict for factor, _ in found},
        said=judging.said(guard, people.answers, watch.events, at),
        suspect_at=watch.suspect_at,
        breached_at=watch.breached_at,
    )
    return ruled(watch, guard, facts, last=last, answers=people.answers, answered=people.answered)


def _evaluation(
    watch: Watch, guard: Guard, found: Sequence[Said], ruling: Ruling, people: _People
) -> Evaluation:
    at = watch.at or watch.started_at
    factors = tuple(factor for factor, _ in found)
    blind = blindness(watch, guard)
    fired = ruling.fired
    if fired:
        outcome, reasons = Outcome.FIRED, _reasons(fired, guard, factors, people, watch)
    else:
        outcome = Outcome.CLEAR if _is_clear(watch, guard, factors) else Outcome.INCONCLUSIVE
        reasons = (*in_words(blind, watch), *(factor.reason for factor in factors))
    return Evaluation(
        outcome=outcome,
        rule=fired.rule if fired else None,
        do=fired.do if fired else asked_for(blind),
        decide_by=fired.decide_by if fired else (),
        factors=factors,
        reasons=reasons,
        blind=blind,
        vetoed=ruling.vetoed,
        observed=ruling.observed,
        context=judging.in_words(people.answers, watch.events, at),
        not_counted=(*(note for _, notes in found for note in notes), *people.strangers),
    )


def _is_clear(watch: Watch, guard: Guard, factors: Sequence[Factor]) -> bool:
    """Say whether all that acts is healthy and its window shows it: the lack of a breach is no proof."""
    if any(factor.mode == "act" and factor.verdict is not Verdict.HEALTHY for factor in factors):
        return False
    return recovering.is_shown(watch, guard)


def _reasons(
    fired: Fired, guard: Guard, factors: Sequence[Factor], people: _People, watch: Watch
) -> tuple[str, ...]:
    """Say what made a condition true: criteria with their numbers, answers and events with their words."""
    at = watch.at or watch.started_at
    of_criteria = {factor.criterion: factor for factor in factors}
    reasons: list[str] = []
    for name in fired.truth.by:
        if name in of_criteria:
            was = name in fired.truth.past
            reasons.append(_past(of_criteria[name], watch) if was else of_criteria[name].reason)
        else:
            reasons += judging.reasons(name, guard, people.answers, watch.events, at)
    return tuple(dict.fromkeys(reasons))


def _past(factor: Factor, watch: Watch) -> str:
    """Say until when a criterion was more than it is now."""
    suspect, breached = (times.get(factor.criterion) for times in (watch.suspect_at, watch.breached_at))
    until = [f"suspect or more until {suspect:%H:%M:%S}"] if suspect else []
    until += [f"breached until {breached:%H:%M:%S}"] if breached else []
    return f"{factor.reason} (but {', '.join(until)} UTC)"


def _in_order(watch: Watch, at: datetime) -> Watch:
    """Return the watch without times that lie ahead: where a clock was set back, they are now."""
    if watch.at is None or watch.at <= at:
        return watch
    fields = ("suspect_at", "breached_at", "fired_at", "true_at", "vetoed_at")
    times = {field: {key: min(then, at) for key, then in getattr(watch, field).items()} for field in fields}
    return watch.model_copy(update={**times, "at": at})
