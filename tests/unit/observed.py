"""Observations of a release, and what its watch remembers after them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from backout.counting import Totals
from backout.evaluation import Blindness, Evaluation, Outcome
from backout.guard import Place
from backout.guard_release import GuardRelease
from backout.guarding import Guarded
from backout.model import digest_of
from backout.playbook import Playbook
from backout.requests import Observation
from backout.rules import Do
from backout.watch import Standing, Track, Watch
from tests.workflows.playbooks import playbook

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BOOK = playbook()
WELL = Evaluation(outcome=Outcome.INCONCLUSIVE)
FIRED = Evaluation(outcome=Outcome.FIRED, rule="critical", do=Do.REVERT, reasons=("error_rate: 30 %",))
NEW = Guarded(since=NINE)


def observed(
    said: Evaluation = WELL,
    *,
    judged: int = 100,
    told: tuple[str, ...] = (),
    fired_at: datetime | None = None,
    after: timedelta = MINUTE,
) -> Observation:
    watch = Watch(
        started_at=NINE,
        at=NINE + after,
        ticks=4,
        tracks={"errors": Track(judged=judged, totals=Totals(bad=1, of=judged))},
        told=Standing(blind=told),
        fired_at={"critical": fired_at} if fired_at else {},
    )
    return Observation(evaluation=said, ticks=4, watch=watch)


def blind(do: Literal["report", "page", "hold"] = "hold", source: str = "metrics") -> Evaluation:
    blindness = Blindness(source=source, criteria=("error_rate",), since=NINE, why="down", do=do)
    return Evaluation(outcome=Outcome.INCONCLUSIVE, blind=(blindness,))


def after(*seen: Observation) -> Guarded:
    guarded = NEW
    for one in seen:
        guarded = guarded.heard(one, now=NINE)
        guarded = guarded.calling(guarded.causes(one, now=NINE), one.evaluation)
    return guarded


def guard(book: Playbook = BOOK) -> GuardRelease:
    place = Place(service="chat", release="r2", baseline="r1")
    return GuardRelease(
        place=place, playbook=book, digest=digest_of(book), owner="team-chat", registered_at=NINE
    )
