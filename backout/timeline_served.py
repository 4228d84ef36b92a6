"""Events about which release really answers."""

from __future__ import annotations

from typing import Literal

from backout.event import BaseEvent
from backout.serving import Seen
from backout.serving_verdicts import Verdict, first_of


class SessionsBegun(BaseEvent):
    """Conversations of our own began before the revert, so that a pinned one shows after it."""

    event: Literal["SessionsBegun"] = "SessionsBegun"
    releases: dict[str, int] = {}
    """How many began on each release."""
    problems: tuple[str, ...] = ()
    """Those that did not, each with the reason."""

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        begun = ", ".join(f"{number} on {release}" for release, number in self.releases.items()) or "none"
        missing = f"; not begun: {'; '.join(first_of(self.problems))}" if self.problems else ""
        return f"Sessions that began before the revert: {begun}{missing}"


class ServedChecked(BaseEvent):
    """A probe asked the service which release answers, until the client lag was over."""

    event: Literal["ServedChecked"] = "ServedChecked"
    probe: str
    path: str
    verdict: Verdict
    candidate: str
    asked: int
    seen: tuple[Seen, ...]
    """By release: how often it answered, first and last."""
    why: str = ""
    kept: str = ""
    """The conversations that were left to finish on the candidate, and until when."""

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        counts = ", ".join(f"{one.release} {_often(one.times)}" for one in self.seen) or "nothing"
        last = next((one.last for one in self.seen if one.release == self.candidate), None)
        left = f" ({self.candidate} last at {last:%H:%M:%S} UTC)" if last else ""
        kept = f"; left to finish: {self.kept}" if self.kept else ""
        told = "is clean" if self.verdict is Verdict.CLEAN else f"FAILED, {self.verdict.value}: {self.why}"
        return f"Probe {self.probe} {told}; {self.asked} questions, answered by {counts}{left}{kept}"


def _often(times: int) -> str:
    return "once" if times == 1 else f"{times} times"
