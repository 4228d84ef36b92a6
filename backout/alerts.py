"""An alert: somebody's message that a release may be bad."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from backout.model import Frozen


class Alert(Frozen):
    """One alert in one state, whoever sent it. `(source, fingerprint, starts_at)` is its episode."""

    source: str
    """The door it came through: `alertmanager`, `cli` ..."""
    fingerprint: str
    starts_at: datetime
    status: Literal["firing", "resolved"]
    name: str
    """What its sender calls it."""
    summary: str = ""
    labels: dict[str, str] = {}
    link: str | None = None
    """Where its sender shows it."""

    @property
    def episode(self) -> str:
        """The identity of the alert's episode: a refire is a new one, a repeat is not."""
        return f"{self.source}/{self.fingerprint}/{self.starts_at.isoformat()}"
