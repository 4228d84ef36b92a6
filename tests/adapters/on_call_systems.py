"""PagerDuty and Opsgenie in small: they tell who is on call as their documentation says, and refuse so."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

from backout.people import Person

DIRECTORY = {
    "ann": Person(name="Ann", pagerduty="PT23IWX"),
    "ben": Person(name="Ben", email="Ben@example.com"),
    "cleo": Person(name="Cleo", email="cleo@example.com", pagerduty="PCLEO00"),
}
NOW = datetime.fromisoformat("2026-03-30T08:00:00+02:00")


@dataclass
class Faults:
    """What is wrong with a system."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    """Answered in the place of everything else."""
    slow_s: float = 0


def pagerduty_entry(user: str, *, start: str | None, end: str | None, level: int = 1, **more: str) -> Any:  # noqa: ANN401  # JSON
    """Return an entry of `GET /oncalls` with its user included."""
    page = f"https://api.pagerduty.com/users/{user}"
    return {
        "user": {"id": user, "type": "user", "summary": "Tim Wright", "self": page, "html_url": None, **more},
        "schedule": {"id": "PI7DH85", "type": "schedule_reference", "summary": "Daily Engineering Rotation"},
        "escalation_policy": {"id": "PT20YPA", "type": "escalation_policy_reference", "summary": "Another"},
        "escalation_level": level,
        "start": start,
        "end": end,
    }


class PagerDuty:
    """`GET /oncalls` of the REST API v2, with its classic pagination."""

    token = "y_NbAkKc66ryYTWUXYEu"

    def __init__(self, *entries: Any) -> None:  # noqa: ANN401  # JSON
        self.entries = entries
        self.asked: list[dict[str, str]] = []
        self.most = 100
        """Entries that one answer has at most, whatever is asked for."""
        self.faults = Faults()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        self.asked.append(dict(request.query))
        if (failed := await failing(self.faults)) is not None:
            return failed
        if request.headers.get("Authorization") != f"Token token={self.token}":
            error = {"message": "The caller did not supply credentials or did not provide the correct ones"}
            return web.json_response({"error": {**error, "code": 2006}}, status=401)
        if (request.method, request.path) != ("GET", "/oncalls"):
            return web.json_response({"error": {"message": "Not Found", "code": 2100}}, status=404)
        if request.headers["Accept"] != "application/vnd.pagerduty+json;version=2":
            return web.json_response({"error": {"message": "Accept must be of version 2"}}, status=400)
        offset, limit = int(request.query.get("offset", 0)), int(request.query.get("limit", 25))
        page = self.entries[offset:][: min(limit, self.most)]
        more = offset + len(page) < len(self.entries)
        answer = {"oncalls": page, "limit": limit, "offset": offset, "more": more, "total": None}
        return web.json_response(answer)


class Opsgenie:
    """`GET /v2/schedules/{name}/on-calls` of the Who Is On Call API."""

    key = "eb24alp-faa2-4ba2-a551q-1alpf565c889"

    def __init__(self, schedule: str, *recipients: str) -> None:
        self.schedule = schedule
        self.recipients = recipients
        self.asked: list[dict[str, str]] = []
        self.faults = Faults()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        self.asked.append(dict(request.query))
        told = {"took": 0.046, "requestId": "0cf98d14-d9b7-4cb6-8d0e-1b9d3ab5d3a4"}
        if (failed := await failing(self.faults)) is not None:
            return failed
        if request.headers.get("Authorization") != f"GenieKey {self.key}":
            return web.json_response({"message": "Could not authenticate", **told}, status=401)
        by_name = request.query.get("scheduleIdentifierType") == "name"
        if not by_name or request.path != f"/v2/schedules/{self.schedule}/on-calls":
            message = f"Schedule with name [{request.path}] does not exist"
            return web.json_response({"message": message, **told}, status=404)
        datetime.strptime(request.query["date"], "%Y-%m-%dT%H:%M:%S%z")
        parent = {"id": "d875alp4-9b4e-4219-alp3-0c26936d18de", "name": self.schedule, "enabled": True}
        if request.query.get("flat") == "true":
            found: dict[str, Any] = {"onCallRecipients": list(self.recipients)}
        else:
            found = {"onCallParticipants": [{"name": one, "type": "user"} for one in self.recipients]}
        return web.json_response({"data": {"_parent": parent, **found}, **told})


async def failing(faults: Faults) -> web.Response | None:
    """Return the answer of a system that is not well; None where it is."""
    await asyncio.sleep(faults.slow_s)
    if faults.status != 200 or faults.body:
        return web.Response(
            status=faults.status,
            text=faults.body or '{"message": "no"}',
            headers=faults.headers,
            content_type="application/json",
        )
    return None
