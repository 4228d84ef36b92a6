"""A week of one incident: random policies, people and alerts, and what must be true of its timeline.

The oracle reads the timeline alone: it knows the policy, and nothing of how ladders are climbed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from hypothesis import strategies as some

from backout.escalation import Level, Policy
from backout.on_call import on_call
from backout.people import Action
from backout.rotas import Calendar, WeeklyRota
from backout.timeline import ActionTaken, AlertReceived, Event, PeoplePaged
from backout.timeline_paging import AcknowledgementLapsed, LadderEnded, LevelPassedOver
from backout.working_time import is_working_time
from tests.workflows.engine import PEOPLE

DAY = timedelta(days=1)
WEEK = 7 * DAY
SLACK = timedelta(minutes=1)
"""What activities take of virtual time, at most."""
OFFICE = Calendar.model_validate(
    {
        "zone": "America/New_York",
        "hours": {
            day: {"start": "09:00", "end": "17:00"} for day in ("monday", "tuesday", "wednesday", "friday")
        },
    }
)
DAILY = WeeklyRota.model_validate(
    {
        "kind": "weekly",
        "people": ("alice", "bob", "carol"),
        "start": (datetime.now(UTC) - 30 * DAY).date(),
        "handover": "08:00",
        "zone": "Europe/Berlin",
        "days": 1,
    }
)

_levels = some.fixed_dictionaries(
    {"wait": some.sampled_from(["5m", "1h", "7h"])},
    optional={"hours": some.just("office")},
).flatmap(
    lambda base: some.sampled_from(
        [
            {"page": ["on_call"]},
            {"people": ["bob"]},
            {"rotas": ["daily"]},
            {"people": ["dave"], "rotas": ["daily"]},
        ]
    ).map(lambda whom: {**base, **whom})
)
_night = some.just({"people": ["carol"], "off_hours": "office", "wait": "1h"})
POLICIES = some.fixed_dictionaries(
    {
        "levels": some.lists(_levels | _levels | _night, min_size=1, max_size=3),
        "loops": some.integers(1, 3),
        "repage": some.sampled_from([None, "2h", "2h", "20h"]),
    },
    optional={
        "unanswered": some.sampled_from(["hold", "escalate", "proceed"]),
    },
)
Did: TypeAlias = tuple[float, str]
"""Hours to wait, and then what is done: by a person, or by the sender of alerts."""
WEEKS = some.lists(
    some.tuples(some.floats(0.02, 24), some.sampled_from(["acknowledge", "hold", "resume", "clear", "fire"])),
    min_size=3,
    max_size=9,
)


@dataclass
class _Ladder:
    """One way up a policy, as the timeline shows it."""

    began: datetime
    seen: list[tuple[int, int]] = field(default_factory=list)
    last: datetime | None = None
    passed_over: bool = False


class Oracle:
    """Reads the timeline of a week, event by event, and says what is wrong with it."""

    def __init__(self, policy: Policy, ends: datetime) -> None:
        self._policy, self._ends = policy, ends
        self._ladder: _Ladder | None = None
        self._stopped: tuple[datetime, _Ladder | None] | None = None
        self._owned: datetime | None = None
        self._firing: set[str] = set()
        self._changes: list[tuple[datetime, bool]] = []
        self.wrong: list[str] = []
        self.ladders = 0

    def read(self, timeline: tuple[Event, ...]) -> list[str]:
        """Return what is wrong with the whole timeline."""
        for event in timeline:
            self._take(event)
        if self._ladder and self._ladder.began + self._policy.lasting + SLACK < self._ends:
            self.wrong.append(f"the ladder of {self._ladder.began} has no end")
        if self._owned:
            self._must_lapse(self._owned, None, self._ends)
        return self.wrong

    def _take(self, event: Event) -> None:
        match event:
            case AlertReceived():
                (self._firing.add if event.alert.status == "firing" else self._firing.discard)(
                    event.alert.episode
                )
                self._changes.append((event.at, bool(self._firing)))
            case ActionTaken(action=Action.ACKNOWLEDGE):
                self._stopped, self._ladder, self._owned = (event.at, self._ladder), None, event.at
            case AcknowledgementLapsed():
                self._lapsed(event)
            case LadderEnded():
                self._ended(event)
            case LevelPassedOver():
                self._climbed(event.at, event.round, event.level, passed_over=True)
            case PeoplePaged() if event.policy:
                self._climbed(event.at, event.round, event.level, passed_over=False)
                self._right_people(event)
            case _:
                pass

    def _climbed(self, at: datetime, round_: int, level: int, *, passed_over: bool) -> None:
        ladder = self._ladder
        if ladder is None and self._stopped and at - self._stopped[0] < SLACK:
            return  # it was under way when somebody acknowledged
        if ladder is None:
            self._expect(self._owned is None, f"{at}: a page although somebody owns the incident")
            ladder = self._ladder = _Ladder(began=at)
            self.ladders += 1
        expected = self._next(ladder)
        self._expect((round_, level) == expected, f"{at}: {round_}.{level} instead of {expected}")
        if ladder.last is not None:
            waits = timedelta(0) if ladder.passed_over else self._level(ladder.seen[-1][1]).wait
            late = at - ladder.last - waits
            self._expect(abs(late) < SLACK, f"{at}: {round_}.{level} came {late} late")
        if passed_over:
            self._expect(False in self._for_now(self._level(level), at), f"{at}: {level} is for this hour")
        ladder.seen.append((round_, level))
        ladder.last, ladder.passed_over = at, passed_over

    def _next(self, ladder: _Ladder) -> tuple[int, int]:
        if not ladder.seen:
            return 1, 1
        round_, level = ladder.seen[-1]
        return (round_, level + 1) if level < len(self._policy.levels) else (round_ + 1, 1)

    def _ended(self, event: LadderEnded) -> None:
        ladder, self._ladder = self._ladder, None
        self._expect(self._owned is None, f"{event.at}: a ladder ended that was acknowledged")
        self._expect(event.move == (self._policy.unanswered or ""), f"{event.at}: its end means {event.move}")
        if ladder and not event.why:
            self._expect(
                ladder.seen[-1] == (self._policy.loops, len(self._policy.levels)),
                f"{event.at}: it ended after {ladder.seen[-1]}",
            )

    def _lapsed(self, event: AcknowledgementLapsed) -> None:
        self._expect(bool(self._firing), f"{event.at}: called anew although nothing fires")
        self._expect(self._owned == event.since, f"{event.at}: it lapsed since {event.since}")
        self._must_lapse(event.since, event.at, event.at)
        self._owned = None

    def _must_lapse(self, owned: datetime, lapsed: datetime | None, until: datetime) -> None:
        """See that it lapsed at the first whole number of pauses at which something fired."""
        every = self._policy.repage
        due = owned + every if every else None
        while due and every and due + SLACK < until + 2 * SLACK and not self._fired(due):
            due += every
        expected = due if due and due + SLACK < until + 2 * SLACK else None
        near = expected is None or abs(expected - until) < 2 * SLACK
        if lapsed is None:
            self._expect(near, f"it should have lapsed at {expected}")
        else:
            self._expect(expected is not None and near, f"it lapsed at {lapsed} instead of {expected}")

    def _fired(self, at: datetime) -> bool:
        return next((firing for since, firing in reversed(self._changes) if since <= at), False)

    def _right_people(self, event: PeoplePaged) -> None:
        level = self._level(event.level)
        people = {*level.people, *(key for key, one in PEOPLE.items() if set(level.page) & set(one.roles))}
        at = event.at - timedelta(seconds=1)
        on_duty = {on_call(DAILY, moment) for moment in (at, at - SLACK) if level.rotas}
        called = {key for key, one in PEOPLE.items() if one.name in event.people}
        self._expect(
            any(called == people | {one} for one in on_duty if one) or (not level.rotas and called == people),
            f"{event.at}: {called} were called instead of {people} and one of {on_duty}",
        )
        self._expect(
            True in self._for_now(level, event.at), f"{event.at}: {event.level} is not for this hour"
        )

    def _for_now(self, level: Level, at: datetime) -> set[bool]:
        """Return whether a level is for this hour: on the edge of an hour both are right."""
        works = {is_working_time(OFFICE, moment) for moment in (at, at - SLACK)}
        return {(one or level.hours is None) and (not one or level.off_hours is None) for one in works}

    def _level(self, number: int) -> Level:
        return self._policy.levels[number - 1]

    def _expect(self, so: bool, otherwise: str) -> None:  # noqa: FBT001  # like assert
        if not so:
            self.wrong.append(otherwise)


def policy_of(written: dict[str, Any]) -> Policy:
    """Return a policy as the playbook reads it."""
    return Policy.model_validate(written)
