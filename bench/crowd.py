"""Many open incidents, each of which waits for people: how soon is an acknowledgement answered?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from urllib.parse import urlencode

import httpx
from slack_sdk.signature import SignatureVerifier

from bench.files import HEADERS, TOKEN
from bench.first_change import member
from bench.stand import Stand, cpu_s
from cli.processes import Child

AT_ONCE = 100
"""Alerts in one message."""
OPEN_WITHIN_S = 300.0
EVERY_S = 0.2
"""The pause between two acknowledgements."""
MOST_ACKS = 300
QUIET_S, QUIET_SHARE, QUIET_LOOKS = 2.0, 0.05, 60
"""The worker is quiet when it takes less than this share of a core for so long; so often it is looked at."""
_ASKED = "WorkflowType = 'Incident' AND ExecutionStatus = 'Running' AND BackoutPhase = 'escalate'"


async def opened(stand: Stand, releases: Sequence[str]) -> float:
    """Open an incident for each release; return the seconds until all of them have called people."""
    start = time.perf_counter()
    async with httpx.AsyncClient(headers=HEADERS, trust_env=False, timeout=30) as http:
        for first in range(0, len(releases), AT_ONCE):
            members = [member("crowd", release) for release in releases[first : first + AT_ONCE]]
            answer = await http.post(f"{stand.gateway}/alerts/alertmanager", json={"alerts": members})
            answer.raise_for_status()
    async with asyncio.timeout(OPEN_WITHIN_S):
        while (await stand.client.count_workflows(_ASKED)).count < len(releases):  # noqa: ASYNC110  # a server
            await asyncio.sleep(0.1)
    return time.perf_counter() - start


async def acknowledged(stand: Stand, releases: Sequence[str], worker: Child) -> list[tuple[float, float]]:
    """Acknowledge each incident by Slack's command; return the milliseconds of each, and of a bare answer.

    They come one after another, a few each second, once the worker has worked off the storm.
    """
    await _quiet(worker)
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        for release in releases:
            (await http.post(f"{stand.bare}/asks", json={"release": release})).raise_for_status()
        return [await _in_turns(stand, http, release) for release in releases]


async def _quiet(worker: Child) -> None:
    """Wait until a worker has next to nothing to do, two minutes at most."""
    for _ in range(QUIET_LOOKS):
        before = cpu_s(worker)
        await asyncio.sleep(QUIET_S)
        if cpu_s(worker) - before < QUIET_SHARE * QUIET_S:
            return


async def _in_turns(stand: Stand, http: httpx.AsyncClient, release: str) -> tuple[float, float]:
    await asyncio.sleep(EVERY_S)
    ours = await _acknowledged(stand, http, release)
    start = time.perf_counter()
    (await http.post(f"{stand.bare}/answers", json={"release": release})).raise_for_status()
    return ours, (time.perf_counter() - start) * 1e3


async def _acknowledged(stand: Stand, http: httpx.AsyncClient, release: str) -> float:
    form = {
        "command": "/backout",
        "text": f"ack crowd/{release}",
        "user_id": "U01ALICE",
        "trigger_id": f"ack.{release}",
    }
    body = urlencode(form).encode()
    start = time.perf_counter()
    answer = await http.post(f"{stand.gateway}/slack/commands", content=body, headers=_signed(body))
    taken = time.perf_counter() - start
    text = str(answer.json()["text"])
    if "Alice" not in text:
        msg = f"the acknowledgement of {release} was answered: {text}"
        raise RuntimeError(msg)
    return taken * 1e3


def _signed(body: bytes) -> dict[str, str]:
    timestamp = str(int(time.time()))
    signature = SignatureVerifier(TOKEN).generate_signature(timestamp=timestamp, body=body)
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signature or "",
    }
