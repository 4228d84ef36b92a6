"""Releases and what is known of them, for tests of proven baselines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from backout.playbook import CountQuery, Proven
from backout.proof import Floor, Known, ProveBaseline, Served
from backout.proving import TICKS
from backout.releases import Artifact, BaselineRecord, Quarantine, Registration, ReleaseRecord
from backout.severity import Severity
from backout.view import IncidentOutcome, IncidentSummary, Phase, incident_id

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WANTED = Proven(requests=10_000, over=DAY)
COUNT = CountQuery(source="metrics", query="served by $release")
DIGEST = "sha256:" + "ab" * 32


def asked(**changes: Any) -> ProveBaseline:  # noqa: ANN401  # any field
    """Return the request of an incident on r2 whose last known good release is r1."""
    told = {"service": "chat", "release": "r2", "baseline": "r1", "wanted": WANTED, "count": COUNT}
    return ProveBaseline.model_validate(told | changes)


def record(release: str, at: datetime, digest: str = DIGEST) -> ReleaseRecord:
    """Return a release that was registered then."""
    artifact = Artifact(kind="model", name="chat-8b", digest=digest)
    told = Registration(service="chat", release=release, playbook="chat", owner="team", artifacts=(artifact,))
    return ReleaseRecord(registration=told, registered_at=at, by="ci")


def named(release: str, at: datetime = NOW - 5 * DAY) -> BaselineRecord:
    """Return the record that Ann named a release the baseline then."""
    return BaselineRecord(service="chat", release=release, by="ann (cli:ann)", why="quiet", at=at)


def floor(release: str = "r1", *, registered_at: datetime | None = NOW - 6 * DAY) -> Floor:
    """Return the floor."""
    return Floor(named=named(release), registered_at=registered_at)


def served(requests: int = 20_000, **changes: Any) -> Served:  # noqa: ANN401  # any field
    """Return what was served in the last day."""
    whole = {"since": NOW - DAY, "until": NOW, "requests": requests}
    return Served.model_validate({"start": NOW - DAY, "end": NOW} | whole | changes)


def blind(problem: str = "") -> Served:
    """Return a day without data."""
    return served(0, since=None, until=None, problem=problem)


def incident(
    release: str = "r1",
    *,
    closed_at: datetime | None = NOW - HOUR,
    outcome: IncidentOutcome = IncidentOutcome.RECOVERED,
) -> IncidentSummary:
    """Return an incident on a release."""
    return IncidentSummary(
        incident=incident_id("chat", release),
        run="run-1",
        service="chat",
        release=release,
        playbook="chat",
        severity=Severity.CRITICAL,
        phase=Phase.CLOSED,
        outcome=outcome,
        opened_at=NOW - 30 * HOUR,
        closed_at=closed_at,
    )


def quarantine(release: str = "r1", at: datetime = NOW - 2 * DAY) -> Quarantine:
    """Return a quarantine."""
    return Quarantine(
        service="chat",
        release=release,
        artifacts=(),
        incident="incident/chat/r1",
        why="unsafe answers",
        at=at,
    )


def known(release: str = "r1", **changes: Any) -> Known:  # noqa: ANN401  # any field
    """Return a release that is proven in every way, with these facts changed."""
    facts = {"record": record(release, NOW - 6 * DAY), "served": (served(),)}
    return Known.model_validate({"release": release} | facts | changes)


def rising(per_tick: float) -> list[float | None]:
    """Return the counter of a release that serves so many in each tick of a stretch."""
    return [1000 + per_tick * number for number in range(TICKS + 1)]
