"""An alert: somebody's message that a release may be bad."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Literal

from backout.model import Frozen

MOST_ALERTS = 500
"""Alerts that one message may hold."""
LONGEST_NAME, LONGEST_SUMMARY, LONGEST_LINK = 200, 500, 1000
"""Characters of an alert's own fields."""
MOST_LABELS, LONGEST_LABEL_NAME, LONGEST_LABEL_VALUE = 40, 100, 200
"""How much of its labels is kept: alerts are part of an incident's history, which may not grow too big."""


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


def cut(text: str, longest: int) -> str:
    """Return a text within bounds; an ellipsis says that something is missing."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def cut_labels(labels: Mapping[str, str], *, routed_by: Collection[str]) -> dict[str, str]:
    """Return labels within bounds; where there are too many, those that routes ask for come first.

    The label `…` then says how many are missing. A value that routes ask for is cut like any other: what is
    cut ends on an ellipsis, so it can neither match a route nor name a release.
    """
    first = sorted(labels, key=lambda name: name not in routed_by)
    kept = first if len(first) <= MOST_LABELS else first[: MOST_LABELS - 1]
    within = {cut(name, LONGEST_LABEL_NAME): cut(labels[name], LONGEST_LABEL_VALUE) for name in kept}
    left_out = len(first) - len(kept)
    return within | {"…": f"{left_out} more"} if left_out else within
