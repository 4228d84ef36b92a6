"""The proof that it is over, taken from the world itself and not from what the engine says of it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from backout.view import IncidentOutcome, IncidentView
from demo import releases
from demo.traffic import Seen

RECOVERED_PERCENT = 2.0
"""The error rate at which users are well again; a good release has a few tenths."""


class Finding(NamedTuple):
    """One thing that was looked at."""

    holds: bool
    found: str


def findings(*, users: int, on_candidate: int, seen: Seen, view: IncidentView) -> tuple[Finding, ...]:
    """Hold the world against what "it is over" means.

    Args:
        users: how many users the service's own flag client was asked about.
        on_candidate: how many of those it gives the candidate.
        seen: what the users saw in the last seconds.
        view: the incident.
    """
    rate = seen.error_percent
    said = "no answers to take a rate from" if rate is None else f"error rate {rate:.1f} %"
    outcome = view.summary.outcome
    document = Path(view.postmortem)
    written = bool(view.postmortem) and document.is_file() and document.stat().st_size > 0
    candidate = releases.CANDIDATE
    return (
        Finding(
            users > 0 and on_candidate == 0,
            f"{on_candidate} of {users} users get {candidate}, says the service's own flag client",
        ),
        Finding(
            seen.replies > 0 and seen.on_candidate == 0,
            f"{seen.on_candidate} of the users' last {seen.replies} answers came from {candidate}",
        ),
        Finding(
            seen.replies > 0 and seen.prompted == 0,
            f"{seen.prompted} of these answers were made with the prompt of {candidate}",
        ),
        Finding(
            rate is not None and rate <= RECOVERED_PERCENT,
            f"{said} as users see it (well is {RECOVERED_PERCENT:.0f} % or less)",
        ),
        Finding(outcome is IncidentOutcome.RECOVERED, f"the incident ended: {outcome.value}"),
        Finding(written, f"the postmortem is {'' if written else 'not '}on disk"),
    )
