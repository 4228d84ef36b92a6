"""What a webhook of Datadog says by the payload template in docs/reference/site.md; it has no fixed form."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from backout.alerts import Alert
from backout.senders.message import Heard, Message, Received, Told, bounded, read
from backout.senders.tags import labels_of_tags

SOURCE = "datadog"
_FIRING = {"Triggered", "Re-Triggered", "Renotify"}
_RESOLVED = "Recovered"
_BLIND = {"No Data", "Re-No Data"}
_SOFT = {"Warn", "Re-Warn"}
_LEAST_MS, _MOST_MS = 10**11, 10**14
_STATE = re.compile(r"^\[[^\]]*\]\s*")
_NOTHING = {"", "null", "None"}
_LONGEST_ID = 180
"""Characters of what an alert is known by: it is never cut, as it would be another's."""


def _filled(value: str) -> str:
    if value.startswith("$"):
        msg = f"{value[:60]!r} is the name of a variable, which Datadog did not fill in"
        raise ValueError(msg)
    return "" if value in _NOTHING else value


def _text(value: object) -> object:
    """Take numbers for text: a template may have its variables in quotes, or not."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _unfilled_is_none(value: object) -> object:
    return "" if value is None or (isinstance(value, str) and value.startswith("$")) else _text(value)


def _milliseconds(value: str) -> str:
    if not value.isascii() or not value.isdecimal() or not _LEAST_MS <= int(value) < _MOST_MS:
        msg = "expected $DATE, the milliseconds since 1970"
        raise ValueError(msg)
    return value


_Needed = Annotated[str, BeforeValidator(_text), AfterValidator(_filled)]
_Optional = Annotated[str, BeforeValidator(_unfilled_is_none), AfterValidator(_filled)]


class _Notification(Received):
    """A monitor's notification; what a template leaves out is empty."""

    alert_transition: _Needed
    alert_id: Annotated[_Needed, Field(min_length=1, max_length=_LONGEST_ID)]
    alert_title: _Needed
    date: Annotated[_Needed, AfterValidator(_milliseconds)]
    alert_cycle_key: Annotated[_Optional, Field(max_length=_LONGEST_ID)] = ""
    alert_scope: _Optional = ""
    alert_status: _Optional = ""
    alert_type: _Optional = ""
    alert_metric: _Optional = ""
    alert_priority: _Optional = ""
    tags: _Optional = ""
    link: _Optional = ""


def hear(message: Message, routed_by: Collection[str] = ()) -> Heard:
    """Read a notification: a monitor that is triggered fires, one that has recovered resolves."""
    said = read(message.body, _Notification)
    if why := _nothing(said):
        return Heard(ignored=why)
    labels = _labels(said)
    alert = Alert(
        source=SOURCE,
        fingerprint=_fingerprint(said, labels, routed_by),
        starts_at=datetime.fromtimestamp(int(said.date) / 1000, UTC),
        status="resolved" if said.alert_transition == _RESOLVED else "firing",
        name=labels["alertname"],
        summary=said.alert_status,
        labels=labels,
        link=said.link,
    )
    return Heard(
        told=(
            Told(alert=bounded(alert, routed_by), starts="first heard" if said.alert_cycle_key else "open"),
        )
    )


def _fingerprint(said: _Notification, labels: Mapping[str, str], routed_by: Collection[str]) -> str:
    """Return what an alert is known by: the cycle where the template has it, else the monitor.

    A monitor by group alerts for each group apart. Where only the monitor is known, another release is
    another alert too.
    """
    cycle = said.alert_cycle_key
    routed = () if cycle else (f"{name}={labels.get(name, '')}" for name in sorted(routed_by))
    apart = hashlib.sha256("\n".join((said.alert_scope, *routed)).encode()).hexdigest()[:16]
    return f"{cycle or said.alert_id}-{apart}"


def _nothing(said: _Notification) -> str:
    """Return why a notification is no alert; empty where it is one."""
    transition = said.alert_transition
    if transition in _BLIND:
        return f"'{transition}': no data is neither a breach nor its end"
    if transition in _SOFT:
        return f"'{transition}': a warning starts nothing; let the monitor alert at the threshold that counts"
    if transition == "Renotify" and said.alert_type not in {"", "error"}:
        return f"'Renotify' of type '{said.alert_type[:60]}': only an error is an alert"
    if transition not in {*_FIRING, _RESOLVED}:
        known = ", ".join(sorted({*_FIRING, _RESOLVED}))
        return f"transition '{transition[:60]}' neither fires nor resolves; those that do: {known}"
    return ""


def _labels(said: _Notification) -> dict[str, str]:
    """Return what a notification can be routed by; its own fields are never those of its tags."""
    own = {
        # "[Triggered on {host:a}] Host is down": rules listen to an alert by its name, in every state.
        "alertname": _STATE.sub("", said.alert_title) or said.alert_title or said.alert_id,
        "monitor": said.alert_id,
        "metric": said.alert_metric,
        "priority": said.alert_priority,
    }
    tags = [*said.tags.split(","), *said.alert_scope.split(",")]
    return labels_of_tags(tags) | {name: value for name, value in own.items() if value}
