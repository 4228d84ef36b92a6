"""Playbooks that tell people while an incident lasts, and what came of it."""

from __future__ import annotations

from typing import Any

from backout.timeline import MessageSent
from tests.workflows.engine import Incidents
from tests.workflows.playbooks import MANUAL, POSTMORTEM

HOURLY: dict[str, Any] = {
    "id": "updates",
    "audience": "customers",
    "channel": "room",
    "template": "resolved",
    "owner": "product",
    "after": "opened",
    "within": "30m",
    "every": "1h",
    "until": "closed",
}
"""An update an hour, as long as the incident is open."""
APPROVED = {**HOURLY, "needs_approval": True, "approve_by": ["product"]}
LONG = {**MANUAL, "within": "4h15m", "on_timeout": "proceed"}
"""A step that lasts as long as nobody ticks its items."""
STEPS = (LONG, POSTMORTEM)


async def sent(incident: Incidents) -> list[MessageSent]:
    """Return the messages that were sent, in their order."""
    return await incident.events(MessageSent)
