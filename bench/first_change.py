"""Alert POST -> first change of exposure: Backout and the bare pair, one after the other."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
from temporalio.client import WorkflowHistory

from bench.files import HEADERS, changed, expose
from bench.stand import Stand

WARM_UP = 5
"""Rounds before those that count: the first ones open files and compile templates."""
_START, _BEGUN, _DONE = "workflow_execution_started", "workflow_task_started", "workflow_task_completed"
_DOES, _DID = "activity_task_started", "activity_task_completed"


@dataclass(frozen=True)
class Way:
    """One way from the alert to the change, in milliseconds after the POST."""

    answered: float
    """The POST was answered."""
    changed: float
    hops: dict[str, float]
    """When the events on the way were written into the histories."""


async def rounds(stand: Stand, count: int) -> list[tuple[Way, Way]]:
    """Take both ways in turns, each on a quiet engine: Backout's, then the bare one."""
    async with httpx.AsyncClient(headers=HEADERS, trust_env=False, timeout=30) as http:
        taken = [
            (await _backout(stand, http, f"r{number}"), await bare_way(stand, http, f"r{number}"))
            for number in range(-WARM_UP, count)
        ]
    return taken[WARM_UP:]


async def _backout(stand: Stand, http: httpx.AsyncClient, release: str) -> Way:
    clock = _Clock(stand, "chat", release)
    await clock.post(http, f"{stand.gateway}/alerts/alertmanager", alert("chat", release))
    opened = await clock.history(f"incident/chat/{release}")
    return clock.way(
        {
            "incident started": (opened, _START),
            "incident: first task begun": (opened, _BEGUN),
            "incident: first task done": (opened, _DONE),
            "set_exposure begun": (opened, _DOES),
            "set_exposure done": (opened, _DID),
            "staged revert asked for": (opened, "start_child_workflow_execution_initiated"),
        }
    )


async def bare_way(stand: Stand, http: httpx.AsyncClient, release: str) -> Way:
    """Take the least way once."""
    clock = _Clock(stand, "bare", release)
    await clock.post(http, f"{stand.bare}/alerts", {"release": release})
    history = await clock.history(f"bare/{release}")
    return clock.way(
        {
            "workflow started": (history, _START),
            "first task begun": (history, _BEGUN),
            "first task done": (history, _DONE),
            "set_exposure begun": (history, _DOES),
            "set_exposure done": (history, _DID),
        }
    )


class _Clock:
    """Takes the time of one way."""

    def __init__(self, stand: Stand, flag: str, release: str) -> None:
        self._client = stand.client
        self._file = stand.folder / f"{flag}.json"
        self._before = expose(self._file, release)
        self._epoch, self._start = time.time(), time.perf_counter()
        self._answered = self._changed = 0.0

    async def post(self, http: httpx.AsyncClient, url: str, body: dict[str, object]) -> None:
        """Post the alert, and wait for its answer and for the change."""
        (await http.post(url, json=body)).raise_for_status()
        self._answered = time.perf_counter() - self._start
        await changed(self._file, self._before)
        self._changed = time.perf_counter() - self._start

    async def history(self, workflow: str) -> WorkflowHistory:
        """Wait for the end of a workflow, and return its history."""
        handle = self._client.get_workflow_handle(workflow)
        await handle.result()
        return await handle.fetch_history()

    def way(self, hops: dict[str, tuple[WorkflowHistory, str]]) -> Way:
        """Return what was measured; each hop is the first event of its kind."""
        when = {name: (_first(*place) - self._epoch) * 1e3 for name, place in hops.items()}
        return Way(answered=self._answered * 1e3, changed=self._changed * 1e3, hops=when)


def _first(history: WorkflowHistory, kind: str) -> float:
    wanted = f"{kind}_event_attributes"
    event = next(event for event in history.events if event.WhichOneof("attributes") == wanted)
    return event.event_time.ToNanoseconds() / 1e9


def alert(service: str, release: str) -> dict[str, object]:
    """Return what Alertmanager posts."""
    return {"alerts": [member(service, release)]}


def member(service: str, release: str) -> dict[str, object]:
    """Return one alert of a group."""
    return {
        "status": "firing",
        "labels": {"alertname": "ProviderDown", "service": service, "release": release},
        "startsAt": datetime.now(UTC).isoformat(),
        "fingerprint": release,
    }
