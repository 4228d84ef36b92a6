"""How long a server asks us to stay away, within reason."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_LONGEST_NUMBER = 8
"""Digits: more is no pause that anybody means."""


def pause_s(said: str, *, otherwise: float, longest: float) -> float:
    """Return the seconds of a Retry-After, which is a number or a date.

    It is `longest` at most, and `otherwise` where what is said is no pause: nothing, nonsense or the past.
    """
    return min(_seconds(said) or otherwise, longest)


def _seconds(said: str) -> float:
    if said.isascii() and said.isdigit():
        return float(said) if len(said) <= _LONGEST_NUMBER else 0.0
    try:
        moment = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return 0.0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
