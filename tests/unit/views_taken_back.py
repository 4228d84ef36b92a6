"""Events of a release that was taken back and is kept from coming again, one of each kind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from backout.releases import Quarantine
from backout.serving import Seen
from backout.serving_verdicts import Verdict
from backout.timeline import Event
from backout.timeline_baseline import BaselineProven, BaselineUnproven
from backout.timeline_fencing import TargetsTakenOver
from backout.timeline_quarantine import QuarantineFailed, QuarantineFound, ReleaseQuarantined
from backout.timeline_served import ServedChecked, SessionsBegun


def taken_back(at: Callable[[float], datetime]) -> tuple[Event, ...]:
    """Return them, at these minutes."""
    seen = Seen(release="r1", times=40, first=at(22.3), last=at(22.4))
    before = Quarantine(
        service="chat", release="r2", artifacts=(), incident="rollout/chat/r2", why="it erred", at=at(1)
    )
    return (
        BaselineUnproven(at=at(12.91), baseline="r1", doubts=("it served 812 of 10,000 requests",)),
        BaselineProven(at=at(12.92), baseline="r1", shown=("it served 12,000 requests in 24h",)),
        TargetsTakenOver(at=at(12.93), targets=("exposure",), holder="rollout/chat/r2", why="it is over"),
        SessionsBegun(at=at(12.95), releases={"r2": 3}),
        ServedChecked(
            at=at(22.5),
            probe="edge",
            path="cache",
            verdict=Verdict.CLEAN,
            candidate="r2",
            asked=40,
            seen=(seen,),
        ),
        ReleaseQuarantined(at=at(22.6), release="r2", artifacts=("model chat-8b",)),
        QuarantineFound(at=at(22.65), release="r2", before=before),
        QuarantineFailed(at=at(22.7), release="r2", place="chat/r2", why="the store is full"),
    )
