"""Stories that alerts and answers tell a watch, look by look."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from backout.alerts import Alert
from backout.guard import Guard
from backout.rules import Rearm
from tests.unit.guards import TICK, Eye, reported
from tests.unit.views import alert

A, B = reported("a", "A"), reported("b", "B")
ALERT_A, ALERT_B = alert("A"), alert("B", fingerprint="f2")
REARM = Rearm(quiet=timedelta(minutes=2), cooldown=timedelta(minutes=5))


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


class Story:
    """Looks of a watch that sees nothing but alerts and answers; says which rule fired in each."""

    def __init__(self, guard: Guard, **always: Any) -> None:  # noqa: ANN401  # as tick
        self.eye, self.always = Eye(guard), always

    def fired(self, *firing: Alert, lasting: timedelta = TICK, **told: Any) -> list[str | None]:  # noqa: ANN401
        looks = round(lasting / TICK)
        return [self.eye.see({}, firing=firing, **{**self.always, **told}).rule for _ in range(looks)]

    def at(self) -> datetime:
        return self.eye.now
