"""What a webhook contact point of Grafana's alerting says: Alertmanager's shape, with its own additions."""

from __future__ import annotations

from collections.abc import Collection

from backout.alerts import MOST_ALERTS
from backout.senders.alertmanager import Group
from backout.senders.message import Heard, Message, Told, at_most, read

SOURCE = "grafana"
_REMEDY = f"Set 'Max Alerts' of the contact point to {MOST_ALERTS}, or group by more labels"


def hear(message: Message, routed_by: Collection[str] = ()) -> Heard:
    """Read a webhook; each alert of the group is an alert of its own."""
    group = read(message.body, Group)
    at_most(len(group.alerts), _REMEDY)
    return Heard(told=tuple(Told(alert=member.alert(SOURCE, routed_by)) for member in group.alerts))
