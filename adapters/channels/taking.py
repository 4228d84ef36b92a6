"""How an answer over HTTP says that a message was taken, and what it means where it was not."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from adapters.fetch import NO_ADVICE, Page, advice_on
from adapters.pauses import pause_s
from backout.errors import RateLimited, RejectedBySystem, Unreachable

ANSWER_LIMIT = 64 * 1024
"""Bytes of an answer that are read."""
LONGEST_PAUSE_S = 3600.0
_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})


def must_be_taken(
    page: Page, *, what: str, pause: float, why: str = "", advice: Mapping[int, str] = NO_ADVICE
) -> None:
    """See that a message was taken: any status of success.

    Args:
        page: the answer.
        what: who answered.
        pause: seconds to wait at least where the answer sets a limit.
        why: what the answer says beside its status.
        advice: what to do about a status, as the end of the sentence.

    Raises:
        RateLimited: it wants a pause (429).
        Unreachable: the status says that trying again may help (5xx, 408, 425).
        RejectedBySystem: any other status, redirects included.
    """
    if page.status in range(200, 300):
        return
    if page.status == HTTPStatus.TOO_MANY_REQUESTS:
        asked = pause_s(page.retry_after, otherwise=pause, longest=LONGEST_PAUSE_S)
        raise RateLimited(what=what, retry_after_s=max(asked, pause))
    said = f"it answered {page.status}{why}{advice_on(page.status, advice)}"
    if page.status >= HTTPStatus.INTERNAL_SERVER_ERROR or page.status in _PASSING:
        raise Unreachable(what=what, why=said)
    raise RejectedBySystem(what=what, why=said)
