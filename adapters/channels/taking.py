"""How an answer over HTTP says that a message was taken, and what it means where it was not."""

from __future__ import annotations

from http import HTTPStatus

from adapters.fetch import Page
from backout.errors import RateLimited, RejectedBySystem, Unreachable

ANSWER_LIMIT = 64 * 1024
"""Bytes of an answer that are read."""
LONGEST_PAUSE_S = 3600.0
_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})


def must_be_taken(page: Page, *, what: str, pause: float, why: str = "") -> None:
    """See that a message was taken: any status of success.

    Args:
        page: the answer.
        what: who answered.
        pause: seconds to wait where the answer sets a limit and does not say how long.
        why: what the answer says beside its status.

    Raises:
        RateLimited: it wants a pause (429).
        Unreachable: the status says that trying again may help (5xx, 408, 425).
        RejectedBySystem: any other status, redirects included.
    """
    if page.status in range(200, 300):
        return
    if page.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise RateLimited(what=what, retry_after_s=pause_s(page.retry_after, otherwise=pause))
    said = f"it answered {page.status}{why}"
    if page.status >= HTTPStatus.INTERNAL_SERVER_ERROR or page.status in _PASSING:
        raise Unreachable(what=what, why=said)
    redirect = "; it redirects elsewhere, which is not followed" if page.status in range(300, 400) else ""
    raise RejectedBySystem(what=what, why=f"{said}{redirect}")


def pause_s(said: str, *, otherwise: float) -> float:
    """Return the seconds of a Retry-After, an hour at most; `otherwise` where it says none, or less."""
    seconds = int(said) if said.isascii() and said.isdigit() and len(said) <= len("31536000") else 0
    return min(max(float(seconds), otherwise), LONGEST_PAUSE_S)
