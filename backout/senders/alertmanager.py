"""What Prometheus Alertmanager's webhook says: a group of alerts, each with its own status.

Grafana's alerting posts the same shape with more in it, so it is read here too.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from backout.alerts import MOST_ALERTS, Alert
from backout.senders.message import (
    Fingerprint,
    Heard,
    Message,
    Moment,
    Received,
    Told,
    at_most,
    bounded,
    read,
)

SOURCE = "alertmanager"
_REMEDY = f"Set 'max_alerts: {MOST_ALERTS}' in Alertmanager's receiver, or group by more labels"


def _named(labels: dict[str, str]) -> dict[str, str]:
    if not labels.get("alertname"):
        msg = "'alertname' is missing, which is what the alert is called"
        raise ValueError(msg)
    return labels


class Member(Received):
    """One alert of the group, with its own status: a firing group can have resolved members."""

    status: Literal["firing", "resolved"]
    labels: Annotated[dict[str, str], AfterValidator(_named)]
    annotations: dict[str, str] = {}
    startsAt: Moment  # noqa: N815  # the sender's spelling
    generatorURL: str = ""  # noqa: N815  # the sender's spelling
    fingerprint: Fingerprint

    def alert(self, source: str, routed_by: Collection[str]) -> Alert:
        """Return what it says as an alert of this sender."""
        texts = self.annotations
        alert = Alert(
            source=source,
            fingerprint=self.fingerprint,
            starts_at=self.startsAt,
            status=self.status,
            name=self.labels["alertname"],
            summary=texts.get("summary") or texts.get("description") or "",
            labels=self.labels,
            link=self.generatorURL,
        )
        return bounded(alert, routed_by)


class Group(Received):
    """A webhook body: the alerts of one group."""

    alerts: Annotated[tuple[Member, ...], Field(min_length=1)]


def hear(message: Message, routed_by: Collection[str] = ()) -> Heard:
    """Read a webhook; each alert of the group is an alert of its own."""
    return Heard(
        told=tuple(Told(alert=alert) for alert in parse_alertmanager(message.body, routed_by=routed_by))
    )


def parse_alertmanager(body: bytes, *, routed_by: Collection[str] = ()) -> tuple[Alert, ...]:
    """Read a webhook body; each alert of the group becomes one Alert within bounds, its start in UTC.

    `routed_by` are the labels that routes ask for: an alert with too many labels keeps these.

    Raises:
        InvalidDocument: the body is no JSON, it holds too many alerts, or one lacks what it is known by.
    """
    group = read(body, Group)
    at_most(len(group.alerts), _REMEDY)
    return tuple(member.alert(SOURCE, routed_by) for member in group.alerts)
