"""What freezes a service: an incident that is open, and a release that is quarantined."""

from __future__ import annotations

from functools import partial

from temporalio.client import Client

from backout.releases import Artifact, Quarantine
from backout.view import incident_id, rollout_id
from tests.gateway.registered import DIGEST
from tests.gateway.running import Gateway, eventually
from tests.gateway.world import NINE, an_alert, an_opening

OTHER = "sha256:" + "cd" * 32


def a_quarantine(release: str = "r2", digest: str = DIGEST, *, service: str = "chat") -> Quarantine:
    return Quarantine(
        service=service,
        release=release,
        artifacts=(Artifact(kind="model", name="chat-8b", digest=digest),),
        incident=incident_id(service, release),
        why="rule critical fired",
        at=NINE,
    )


async def opened(gateway: Gateway, release: str = "r2", *, is_rollout: bool = False) -> str:
    """Open an incident, or something that looks like a rollout, and wait until the engine lists it."""
    opening = an_opening(release)
    if is_rollout:
        opening = opening.model_copy(update={"incident": rollout_id("chat", release)})
    incident = await gateway.incidents.open(opening=opening, alert=an_alert())
    await eventually(partial(_is_listed, gateway, incident))
    return incident


async def ended(client: Client, gateway: Gateway, incident: str) -> None:
    """End an incident, and wait until the engine lists it no more."""
    await client.get_workflow_handle(incident).terminate()
    await eventually(partial(_is_gone, gateway, incident))


async def _is_listed(gateway: Gateway, incident: str) -> bool:
    found = await gateway.incidents.listing(limit=10, open_only=True)
    return incident in {one.incident for one in found}


async def _is_gone(gateway: Gateway, incident: str) -> bool:
    return not await _is_listed(gateway, incident)
