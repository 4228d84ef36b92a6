"""Judgments in an incident: the answers that people gave, and the questions that are open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from backout.guard import Judged
from backout.people import Act
from backout.playbook import Playbook
from backout.rules import Judgment
from backout.steps import DetectStep
from backout.view import Question


def answer(act: Act, judgment: Judgment, now: datetime) -> Judged:
    """Return the dated answer that an act gives to a judgment."""
    return Judged(
        judgment=judgment.id,
        answer=act.answer,
        by=act.actor.person,
        at=now,
        until=now + judgment.expires,
        reason=act.reason,
    )


def by_others(before: Iterable[Judged], judged: Mapping[str, Judged]) -> tuple[Judged, ...]:
    """Return the last answers of everyone else, where `judged` has the newest one to each judgment."""
    newest = {(one.judgment, one.by) for one in judged.values()}
    return tuple(one for one in before if (one.judgment, one.by) not in newest)


def questions(playbook: Playbook, position: int, judged: Mapping[str, Judged]) -> tuple[Question, ...]:
    """Return the judgments that weigh at this step: only where the signals are watched for a breach."""
    if not isinstance(playbook.steps[position], DetectStep):
        return ()
    return tuple(
        Question(
            judgment=judgment.id,
            ask=judgment.ask,
            roles=judgment.by,
            answers=judgment.answers,
            given=judged.get(judgment.id),
        )
        for judgment in playbook.judgments
    )
