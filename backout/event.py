"""An event of the timeline, whatever happened."""

from __future__ import annotations

from datetime import datetime

from backout.model import Frozen


class BaseEvent(Frozen):
    """What every event has."""

    seq: int = 0
    """Its number in the incident, from 1."""
    at: datetime
    step: str = ""
    """The step of the playbook in which it happened; empty outside of any."""

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        raise NotImplementedError
