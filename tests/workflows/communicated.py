"""Playbooks that tell people while an incident lasts, and what came of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from backout.timeline import MessageSent, PeoplePaged
from backout.view import Ask, IncidentView
from tests.workflows.engine import Incidents
from tests.workflows.playbooks import MANUAL, POSTMORTEM

HOURLY: dict[str, Any] = {
    "id": "updates",
    "audience": "customers",
    "channel": "room",
    "template": "customers",
    "owner": "product",
    "after": "opened",
    "within": "30m",
    "every": "1h",
    "until": "closed",
}
"""An update an hour, as long as the incident is open."""
APPROVED = {**HOURLY, "needs_approval": True, "approve_by": ["product", "commander"]}
LONG = {**MANUAL, "within": "4h15m", "on_timeout": "proceed"}
"""A step that lasts as long as nobody ticks its items."""
STEPS = (LONG, POSTMORTEM)


def told(view: IncidentView) -> list[MessageSent]:
    """Return the messages that were sent, in their order."""
    return [event for event in view.timeline if isinstance(event, MessageSent)]


async def sent(incident: Incidents) -> list[MessageSent]:
    """Return the messages that were sent in an incident that is over, or now."""
    return told(await incident.view())


async def paged(incident: Incidents, about: str) -> list[PeoplePaged]:
    """Return the pages whose reason says this."""
    return [event for event in await incident.events(PeoplePaged) if about in event.why]


def minutes(moments: list[datetime], since: datetime) -> list[int]:
    """Return moments as whole minutes since another."""
    return [round((moment - since) / timedelta(minutes=1)) for moment in moments]


def draft(view: IncidentView) -> Ask | None:
    """Return the question whether a notice may be sent; None where none waits."""
    return next((ask for ask in view.asks if ask.what.startswith("Send to ")), None)
