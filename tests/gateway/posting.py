"""Sending what the senders of alerts send, and looking at what became of it."""

from __future__ import annotations

from httpx import Response

from backout.timeline import AlertReceived
from tests.gateway.running import Gateway, as_bytes
from tests.gateway.senders import Event, Sender


async def post(gateway: Gateway, sender: Sender, body: bytes, **headers: str) -> Response:
    sent = {**sender.headers(body), **headers}
    return await gateway.http.post(f"/alerts/{sender}", content=body, headers=as_bytes(sent))


async def nothing_is_kept(gateway: Gateway) -> bool:
    return not await gateway.outbox.depth() and not await gateway.outbox.dead(limit=1)


async def tell(gateway: Gateway, sender: Sender, *events: Event) -> list[str]:
    """Send events; return what became of each."""
    told = []
    for event in events:
        answer = await post(gateway, sender, sender.body(event))
        assert answer.status_code == 202, answer.text
        (accepted,) = answer.json()["accepted"]
        told.append("repeated" if accepted["repeated"] else accepted["incident"])
    return told


async def timeline(gateway: Gateway, incident: str = "incident/chat/r2") -> list[str]:
    await gateway.delivered()
    view = await gateway.incidents.view(incident=incident)
    return [event.alert.status for event in view.timeline if isinstance(event, AlertReceived)]
