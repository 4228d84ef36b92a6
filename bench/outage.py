"""The engine is killed and stays away: is every alert that was answered 202 an incident afterwards?"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import dataclass

import httpx
from temporalio.service import RPCError, RPCStatusCode

from bench.files import HEADERS
from bench.first_change import alert
from bench.stand import Stand

EVERY_S = 0.2
"""An alert for another release comes this often."""
BACK_WITHIN_S = 120.0


@dataclass(frozen=True)
class Outage:
    """What became of the alerts that came while the engine was down."""

    lasted_s: float
    accepted: int
    """So many were answered 202."""
    refused: int
    slowest_ms: float
    """The slowest answer."""
    incidents: int
    """So many of the accepted ones are incidents afterwards."""
    caught_up_s: float
    """From the moment in which the engine answered again."""


async def outage(stand: Stand, seconds: float) -> Outage:
    """Kill the engine, post alerts while it is away, start it on its file, and look for each incident."""
    os.kill(stand.engine.pid, signal.SIGKILL)
    await stand.engine.wait()
    taken: list[float] = []
    accepted: list[str] = []
    start = time.perf_counter()
    async with httpx.AsyncClient(headers=HEADERS, trust_env=False, timeout=30) as http:
        while (now := time.perf_counter()) < start + seconds:
            release = f"down-{len(taken)}"
            answer = await http.post(f"{stand.gateway}/alerts/alertmanager", json=alert("crowd", release))
            taken.append((time.perf_counter() - now) * 1e3)
            if answer.status_code == httpx.codes.ACCEPTED:
                accepted.append(release)
            await asyncio.sleep(EVERY_S)
    lasted = time.perf_counter() - start
    await stand.start_engine()
    back = time.perf_counter()
    found = await _found(stand, accepted)
    return Outage(
        lasted_s=lasted,
        accepted=len(accepted),
        refused=len(taken) - len(accepted),
        slowest_ms=max(taken),
        incidents=found,
        caught_up_s=time.perf_counter() - back,
    )


async def _found(stand: Stand, releases: list[str]) -> int:
    """Wait until each release has an incident; return how many have one in the end."""
    missing, ends = set(releases), time.perf_counter() + BACK_WITHIN_S
    while missing and time.perf_counter() < ends:
        missing -= {release for release in missing if await _is_incident(stand, release)}
        await asyncio.sleep(0.05)
    return len(releases) - len(missing)


async def _is_incident(stand: Stand, release: str) -> bool:
    try:
        await stand.client.get_workflow_handle(f"incident/crowd/{release}").describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True
