"""SIGKILL of the worker while an approval is awaited: how soon does the approval change anything?"""

from __future__ import annotations

import asyncio
import os
import signal
import time

import httpx

from backout.errors import IncidentUnknown
from backout.people import Act, Action, Actor
from bench.files import HEADERS, changed, expose
from bench.first_change import alert
from bench.stand import Stand
from cli.processes import Child
from gateway.incidents import Incidents

PATIENCE_S = 60.0
BOB = Actor(person="bob", name="Bob", roles=("commander",), via="cli")


async def kills(stand: Stand, worker: Child, count: int, *, standby: bool) -> tuple[Child, list[float]]:
    """Kill so many workers; return the last one, and the seconds from each approval to its change.

    With `standby` the next worker runs already when the first is killed; without, it is started then.
    """
    taken = []
    for number in range(count):
        release = f"{'standby' if standby else 'cold'}-{number}"
        before = expose(stand.folder / "held.json", release)
        plan = await _open(stand, release)
        successor = await stand.run_worker() if standby else None
        os.kill(worker.pid, signal.SIGKILL)
        await worker.wait()
        worker = successor or await stand.run_worker(wait=False)
        taken.append(await _approved(stand, release, before, plan=plan))
    return worker, taken


async def _open(stand: Stand, release: str) -> str:
    """Open an incident, wait until it waits for people and for nothing else; return the plan's digest."""
    async with httpx.AsyncClient(headers=HEADERS, trust_env=False) as http:
        url = f"{stand.gateway}/alerts/alertmanager"
        (await http.post(url, json=alert("held", release))).raise_for_status()
    async with asyncio.timeout(PATIENCE_S):
        plan = None
        while plan is None:
            # The news are gathered for a moment before they are told: quiet is to be quiet twice.
            quiet = await _asked(stand, f"incident/held/{release}")
            await asyncio.sleep(1.0)
            plan = quiet and await _asked(stand, f"incident/held/{release}")
    return plan


async def _asked(stand: Stand, incident: str) -> str | None:
    try:
        view = await Incidents(client=stand.client).view(incident=incident, within_s=PATIENCE_S)
    except IncidentUnknown:  # It is only about to be opened.
        return None
    now = (await stand.client.get_workflow_handle(incident).describe()).raw_description
    busy = now.pending_activities or now.HasField("pending_workflow_task")
    return view.asks[0].subject if view.asks and not busy else None


async def _approved(stand: Stand, release: str, before: int, *, plan: str) -> float:
    """Approve; return the seconds until the change, and wait for the incident's end."""
    act = Act(id=f"approve-{release}", action=Action.APPROVE, actor=BOB, subject=plan)
    incident = f"incident/held/{release}"
    start = time.perf_counter()
    acting = asyncio.create_task(
        Incidents(client=stand.client).act(incident=incident, act=act, within_s=PATIENCE_S)
    )
    await changed(stand.folder / "held.json", before)
    seconds = time.perf_counter() - start
    await acting
    await stand.client.get_workflow_handle(incident).result()
    return seconds
