"""Which episode an alert belongs to, where its sender does not say when it began."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import assert_never

from backout.alerts import Alert
from backout.senders.message import Told

REMEMBERED = 100
"""Alerts of one fingerprint that are looked at for the episode of the next."""
LONGEST_OPEN = timedelta(days=1)
"""How long an episode goes on whose end was never heard: a lost end must not silence the next alert."""


def placed(told: Told, kept: Sequence[Alert]) -> Alert:
    """Return the alert with the start of its episode, and with the labels by which that was routed.

    `kept` are the alerts of its source and fingerprint that were routed before, newest first. An episode
    stays with its incident: its end may come without the labels that led there, and a title may be changed.
    """
    first = _first(told, kept)
    if first is None:
        return told.alert
    return told.alert.model_copy(update={"starts_at": first.starts_at, "labels": first.labels})


def _first(told: Told, kept: Sequence[Alert]) -> Alert | None:
    """Return an alert of the episode that this one belongs to; None where it begins one."""
    at = told.alert.starts_at
    match told.starts:
        case "said":
            return None
        case "first heard":
            return kept[-1] if kept else None
        case "open" if told.alert.status == "resolved":
            return max((one for one in kept if one.starts_at <= at), key=_start, default=None)
        case "open":
            over = {one.episode for one in kept if one.status == "resolved"}
            goes_on = (one for one in kept if one.episode not in over and at - one.starts_at < LONGEST_OPEN)
            return next((one for one in kept if one.starts_at == at), None) or next(goes_on, None)
        case _:
            assert_never(told.starts)


def _start(alert: Alert) -> datetime:
    return alert.starts_at
