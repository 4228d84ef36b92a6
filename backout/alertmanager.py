"""What Prometheus Alertmanager's webhook says, read into alerts."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from backout.alerts import (
    LONGEST_LINK,
    LONGEST_NAME,
    LONGEST_SUMMARY,
    MOST_ALERTS,
    Alert,
    cut,
    cut_labels,
)
from backout.errors import InvalidDocument
from backout.problems import spell

SOURCE = "alertmanager"

# People will be shown it to click on: no other scheme, and nothing that ends a link in Slack or Markdown.
_LINK = re.compile(r"https?://[^\s<>|()\"'`]+")


class _Received(BaseModel):
    """A part of the body; fields that newer senders add are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def _named(labels: dict[str, str]) -> dict[str, str]:
    if not labels.get("alertname"):
        msg = "'alertname' is missing, which is what the alert is called"
        raise ValueError(msg)
    return labels


class _Member(_Received):
    """One alert of the group, with its own status: a firing group can have resolved members."""

    status: Literal["firing", "resolved"]
    labels: Annotated[dict[str, str], AfterValidator(_named)]
    annotations: dict[str, str] = {}
    startsAt: AwareDatetime  # noqa: N815  # the sender's spelling
    generatorURL: str = ""  # noqa: N815  # the sender's spelling
    fingerprint: Annotated[str, Field(min_length=1, max_length=200)]
    """The alert's identity: cut, it would be that of another."""


class _Group(_Received):
    """A webhook body: the alerts of one group."""

    alerts: Annotated[tuple[_Member, ...], Field(min_length=1)]


def parse_alertmanager(body: bytes, *, routed_by: Collection[str] = ()) -> tuple[Alert, ...]:
    """Read a webhook body; each alert of the group becomes one Alert within bounds, its start in UTC.

    `routed_by` are the labels that routes ask for: an alert with too many labels keeps these.

    Raises:
        InvalidDocument: the body is no JSON, it holds too many alerts, or one lacks what it is known by.
    """
    try:
        group = _Group.model_validate_json(body)
    except ValidationError as error:
        raise InvalidDocument(
            f"{spell(problem['loc']) or 'body'}: {problem['msg']}"
            for problem in error.errors(include_url=False)
        ) from error
    if len(group.alerts) > MOST_ALERTS:
        remedy = f"Set 'max_alerts: {MOST_ALERTS}' in Alertmanager's receiver, or group by more labels"
        raise InvalidDocument(
            [f"alerts: {len(group.alerts)} alerts in one body, and it may hold {MOST_ALERTS}. {remedy}."]
        )
    return tuple(_alert(member, routed_by) for member in group.alerts)


def _alert(member: _Member, routed_by: Collection[str]) -> Alert:
    link, annotations = member.generatorURL, member.annotations
    return Alert(
        source=SOURCE,
        fingerprint=member.fingerprint,
        # One moment is one episode, in whatever time zone the sender wrote it.
        starts_at=member.startsAt.astimezone(UTC),
        status=member.status,
        name=cut(member.labels["alertname"], LONGEST_NAME),
        summary=cut(annotations.get("summary") or annotations.get("description") or "", LONGEST_SUMMARY),
        labels=cut_labels(member.labels, routed_by=routed_by),
        # Half a link leads nowhere.
        link=link if len(link) <= LONGEST_LINK and _LINK.fullmatch(link) else None,
    )
