"""What the tests of the demo share: its playbook and people, an incident, and a server on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from backout.people import Person
from backout.timeline import Event
from backout.view import Ask, IncidentOutcome, IncidentSummary, IncidentView, Phase, incident_id
from backout.yaml_text import load_playbook

ROOT = Path(__file__).parents[2]
NINE = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PLAYBOOK = load_playbook(
    (ROOT / "demo/playbooks/conversational-agent.yaml").read_text(), file="conversational-agent.yaml"
)
PEOPLE = {
    "alice": Person(name="Alice", roles=("on_call",), slack="U01ALICE"),
    "bob": Person(name="Bob", roles=("incident_commander",), slack="U01BOB"),
    "carol": Person(name="Carol", roles=("product_owner",), slack="U01CAROL"),
}


def a_view(
    step: str = "",
    *,
    asks: tuple[Ask, ...] = (),
    timeline: tuple[Event, ...] = (),
    outcome: IncidentOutcome = IncidentOutcome.OPEN,
    postmortem: str = "",
) -> IncidentView:
    """An incident of the demo at some moment."""
    summary = IncidentSummary(
        incident=incident_id("chat", "2026.11"),
        run="r1",
        service="chat",
        release="2026.11",
        playbook=PLAYBOOK.playbook,
        severity=PLAYBOOK.severity,
        phase=Phase.REVERT,
        outcome=outcome,
        opened_at=NINE,
    )
    return IncidentView(
        summary=summary,
        step=step,
        step_until=None,
        held="",
        asks=asks,
        next_steps=(),
        postmortem=postmortem,
        playbook=PLAYBOOK,
        digest="sha256:playbook",
        firing=(),
        timeline=timeline,
    )


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[str]:
    """Serve an application on a free port of loopback and yield its address."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
