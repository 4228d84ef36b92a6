"""Alert POST -> people are paged: Backout and the bare pair, one after the other."""

from __future__ import annotations

import time

import httpx

from backout.people import Act, Action, Actor
from bench.files import HEADERS
from bench.first_change import WARM_UP, alert, bare_way
from bench.stand import Stand
from gateway.incidents import Incidents

PATIENCE_S = 30.0
ALICE = Actor(person="alice", name="Alice", roles=("on_call",), via="cli")


async def pages(stand: Stand, count: int) -> list[tuple[float, float]]:
    """Take both ways in turns, each on a quiet engine; return the milliseconds of each."""
    async with httpx.AsyncClient(headers=HEADERS, trust_env=False, timeout=30) as http:
        taken = [
            (await _paged(stand, http, f"r{number}"), (await bare_way(stand, http, f"p{number}")).changed)
            for number in range(-WARM_UP, count)
        ]
    return taken[WARM_UP:]


async def _paged(stand: Stand, http: httpx.AsyncClient, release: str) -> float:
    """Return the milliseconds from the POST to the page that the pager received; then end the incident."""
    incident = f"incident/paged/{release}"
    start = time.perf_counter()
    posted = await http.post(f"{stand.gateway}/alerts/alertmanager", json=alert("paged", release))
    posted.raise_for_status()
    called = await stand.pager.called(incident)
    act = Act(id=f"abort-{release}", action=Action.ABORT, actor=ALICE, reason="It was measured.")
    await Incidents(client=stand.client).act(incident=incident, act=act, within_s=PATIENCE_S)
    await stand.client.get_workflow_handle(incident).result()
    return (called - start) * 1e3
