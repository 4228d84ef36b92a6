"""What can go wrong with Slack: switches for the fake one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["limited", "down", "refuses", "answers", "silent", "slow", "hangs up", "loses its answer"]


@dataclass
class Fault:
    """One thing that goes wrong, with so many calls or until it is mended."""

    kind: Kind
    times: int | None = None
    """With so many calls; None: with all of them."""
    methods: tuple[str, ...] = ()
    """With these methods only, such as `chat.postMessage`; empty means with all."""
    retry_after: str | None = "30"
    """limited: the header; None leaves it out."""
    error: str = "internal_error"
    """refuses: Slack's word for why."""
    seconds: float = 0.0
    """slow: how long every answer takes."""
    status: int = 200
    """answers: the status of what comes instead of Slack's answer."""
    text: str = ""
    """answers: its body."""
    content_type: str = "application/json"
    """answers: its media type."""


@dataclass
class Faults:
    """The faults that are switched on."""

    on: list[Fault] = field(default_factory=list)

    def take(self, method: str) -> Fault | None:
        """Return the fault of a call of this method, if it has one, and count it."""
        for fault in self.on:
            if fault.methods and method not in fault.methods:
                continue
            if fault.times is None:
                return fault
            if fault.times > 0:
                fault.times -= 1
                return fault
        return None
