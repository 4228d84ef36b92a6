"""What Prometheus Alertmanager's webhook says, read into alerts."""

from __future__ import annotations

import re
from datetime import UTC
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from backout.alerts import Alert
from backout.errors import InvalidDocument
from backout.problems import spell

SOURCE = "alertmanager"

# People will be shown it to click on: no other scheme, and nothing that ends a link in Slack or Markdown.
_LINK = re.compile(r"https?://[^\s<>|()\"'`]{1,2000}")


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
    fingerprint: Annotated[str, Field(min_length=1)]


class _Group(_Received):
    """A webhook body: the alerts of one group."""

    alerts: Annotated[tuple[_Member, ...], Field(min_length=1)]


def parse_alertmanager(body: bytes) -> tuple[Alert, ...]:
    """Read a webhook body; each alert of the group becomes one Alert, its start in UTC.

    Raises:
        InvalidDocument: the body is no JSON, or an alert lacks what it is known by.
    """
    try:
        group = _Group.model_validate_json(body)
    except ValidationError as error:
        raise InvalidDocument(
            f"{spell(problem['loc']) or 'body'}: {problem['msg']}"
            for problem in error.errors(include_url=False)
        ) from error
    return tuple(_alert(member) for member in group.alerts)


def _alert(member: _Member) -> Alert:
    return Alert(
        source=SOURCE,
        fingerprint=member.fingerprint,
        # One moment is one episode, in whatever time zone the sender wrote it.
        starts_at=member.startsAt.astimezone(UTC),
        status=member.status,
        name=member.labels["alertname"],
        summary=member.annotations.get("summary") or member.annotations.get("description") or "",
        labels=member.labels,
        link=member.generatorURL if _LINK.fullmatch(member.generatorURL) else None,
    )
