"""Judging: what people's answers and marked events mean to the rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial

from backout.counting import MarkedEvent
from backout.guard import Guard, Judged
from backout.rules import Judgment, Weight

WEAKER = 10.0
"""So many times less evidence is enough where people say so."""


def valid(guard: Guard, judged: Iterable[Judged], at: datetime) -> dict[str, Judged]:
    """Return the answers that weigh at a moment, by judgment.

    A person's newest answer replaces those that this person gave before. Of several people's the strictest
    weighs, and of those as strict the newest: nobody takes back what another has said.
    """
    newest: dict[tuple[str, str], Judged] = {}
    for answer in judged:
        key = answer.judgment, answer.by
        if answer.at <= at and (key not in newest or answer.at >= newest[key].at):
            newest[key] = answer
    found: dict[str, Judged] = {}
    for judgment in guard.judgments:
        valid_now = [
            answer
            for answer in newest.values()
            if answer.judgment == judgment.id and at < answer.until and answer.answer in judgment.answers
        ]
        if valid_now:
            found[judgment.id] = min(valid_now, key=partial(_strictness, judgment, at))
    return found


_STRICTEST_FIRST = (Weight.REVERT, Weight.WEAKER, Weight.HOLD_OFF, Weight.CARRY_ON)
"""What speaks against the release outweighs what speaks for it; what does nothing outweighs nothing."""


def _strictness(judgment: Judgment, at: datetime, answer: Judged) -> tuple[int, timedelta]:
    return _STRICTEST_FIRST.index(judgment.answers[answer.answer]), at - answer.at


def weighing(
    guard: Guard, answers: Mapping[str, Judged], weight: Weight
) -> Iterator[tuple[Judgment, Judged]]:
    """Yield the judgments that are answered with this weight."""
    for judgment in guard.judgments:
        answer = answers.get(judgment.id)
        if answer and judgment.answers[answer.answer] is weight:
            yield judgment, answer


def answer_name(answer: Judged) -> str:
    """Return the name that conditions know an answer by."""
    return f"{answer.judgment}.{answer.answer}"


def said(
    guard: Guard, answers: Mapping[str, Judged], events: Iterable[MarkedEvent], at: datetime
) -> dict[str, bool]:
    """Return what is true of the occasions and of the answers, by the names that conditions use."""
    going_on = [event for event in events if event.covers(at)]
    found = {
        f"{judgment.id}.{answer}": judgment.id in answers and answers[judgment.id].answer == answer
        for judgment in guard.judgments
        for answer in judgment.answers
    }
    for name, occasion in guard.occasions.items():
        found[name] = any(
            event.kind == occasion.kind and (occasion.lasts is None or at < event.start + occasion.lasts)
            for event in going_on
        )
    return found


def in_words(answers: Mapping[str, Judged], events: Iterable[MarkedEvent], at: datetime) -> tuple[str, ...]:
    """Return the answers that weigh and the events that go on, for people."""
    told = (_of_answer(answer) for answer in answers.values())
    return (*told, *(_of_event(event) for event in events if event.covers(at)))


def reasons(
    name: str, guard: Guard, answers: Mapping[str, Judged], events: Iterable[MarkedEvent], at: datetime
) -> tuple[str, ...]:
    """Return the words for what makes the name of an occasion, or of an answer, true."""
    if occasion := guard.occasions.get(name):
        return in_words({}, (event for event in events if event.kind == occasion.kind), at)
    return tuple(_of_answer(answer) for answer in answers.values() if answer_name(answer) == name)


def _of_answer(answer: Judged) -> str:
    why = f": {answer.reason}" if answer.reason else ""
    return f"{answer_name(answer)} says {answer.by} until {answer.until:%Y-%m-%d %H:%M} UTC{why}"


def _of_event(event: MarkedEvent) -> str:
    return f"{event.kind} since {event.start:%Y-%m-%d %H:%M} UTC: {event.what}"


def strangers(guard: Guard, judged: Iterable[Judged]) -> Iterator[str]:
    """Yield the answers that mean nothing here, because no judgment has them."""
    known = {f"{judgment.id}.{answer}" for judgment in guard.judgments for answer in judgment.answers}
    for answer in judged:
        if answer_name(answer) not in known:
            yield f"{answer_name(answer)}: the playbook has no such judgment and answer"
