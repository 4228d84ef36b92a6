"""A small site with one playbook, and what its doors are sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

from slack_sdk.signature import SignatureVerifier

from backout.alerts import Alert
from backout.case import OpenIncident
from backout.model import digest_of
from backout.people import Act, Action, Actor
from backout.playbook import Playbook
from backout.secret import SecretRef
from backout.site import Site
from backout.view import incident_id

DATA = Path(__file__).parent / "data"
TOKEN = "s3cret-token"
PIPELINE_TOKEN = "p1peline-token"
PUSH_TOKENS = {"judges": "judges-token", "moderation": "moderation-token"}
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
CAPTURED_EPISODE = "alertmanager/5b874e468fc2efdd/2026-11-20T20:34:44.285000+00:00"

PLAYBOOK = Playbook.model_validate(
    {
        "playbook": "chat-agent",
        "version": 3,
        "scenario": "A chat release answers wrongly.",
        "at_risk": {"users": "wrong advice", "safety": "unmoderated content", "business": "refunds"},
        "severity": "major",
        "release": {"service": "chat", "artifacts": ["model"]},
        "channel": "room",
        "tick": "15s",
        "signals": {
            "errors": {
                "kind": "ratio",
                "source": "metrics",
                "bad": "bad",
                "of": "all",
                "family": "operational",
            }
        },
        "criteria": [{"id": "error-rate", "signal": "errors", "test": {"compare": "limit", "max": "1%"}}],
        "rules": [{"id": "critical", "when": {"any_of": ["error-rate"]}, "authority": "auto"}],
        "roles": {"on_call": {"may": ["acknowledge", "note", "hold", "abort", "tick"]}},
        "escalation": {},
        "remind": "5m",
        "steps": [
            {
                "step": "manual",
                "owner": "on_call",
                "within": "1h",
                "on_timeout": "hold",
                "items": ["look at the <queue>", "call the partner"],
            },
            {
                "step": "postmortem",
                "owner": "on_call",
                "within": "5m",
                "on_timeout": "hold",
                "template": "standard",
                "due": "5d",
            },
        ],
    }
)
PLAYBOOKS: Mapping[str, Playbook] = {"chat-agent": PLAYBOOK}

FIRING, RESOLVED = "com.example.release.signal.breached", "com.example.release.signal.recovered"
DOORS = {
    "alertmanager": {"token": {"env": "TOKEN"}},
    "grafana": {
        "signature": {
            "secret": [{"env": "OLD"}, {"env": "NEW"}],
            "timestamp_header": "X-Grafana-Alerting-Timestamp",
        }
    },
    "pagerduty": {"secret": [{"env": "OLD"}, {"env": "NEW"}]},
    "datadog": {"basic": {"user": "datadog", "password": [{"env": "OLD"}, {"env": "NEW"}]}},
    "opsgenie": {"token": [{"env": "OLD"}, {"env": "NEW"}]},
    "cloudevents": {
        "token": [{"env": "OLD"}, {"env": "NEW"}],
        "firing": [FIRING],
        "resolved": [RESOLVED],
        "origins": ["events.example.com"],
    },
    "generic": {"signature": {"secret": [{"env": "OLD"}, {"env": "NEW"}]}},
}
"""Every alert door; the secrets of all but the first are being rotated."""
ENVIRON = {"TOKEN": TOKEN, "OLD": "old-s3cret", "NEW": "new-s3cret"}

SITE = Site.model_validate(
    {
        "site": "test",
        "people": {
            "alice": {"name": "Alice", "roles": ["on_call"], "slack": "U01ALICE"},
            "bob": {"name": "Bob", "roles": []},
        },
        "sources": {},
        "targets": {},
        "channels": {},
        "store": {"kind": "sqlite", "path": "store.db", "documents": "documents"},
        "gateway": {"outbox": "outbox.db", "alerts": DOORS},
        "routes": [
            {"match": {"playbook": "llm-chat", "env": "staging"}, "playbook": "chat-agent"},
            {"match": {"service": "painter"}, "playbook": "image-generator", "release_label": "version"},
        ],
    }
)


def with_rate(sender: str, rate: Mapping[str, float]) -> Site:
    """Return the site with another rate at one of its alert doors."""
    told = SITE.model_dump()
    told["gateway"]["alerts"][sender]["rate"] = rate
    return Site.model_validate(told)


NINE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
ALICE = Actor(person="alice", name="Alice", roles=("on_call",), via="cli")


def secret_of(ref: SecretRef) -> str:
    return ENVIRON[ref.env or ""]


def an_alert(number: int = 1, *, status: str = "firing", labels: Mapping[str, str] | None = None) -> Alert:
    return Alert.model_validate(
        {
            "source": "alertmanager",
            "fingerprint": f"f{number}",
            "starts_at": NINE,
            "status": status,
            "name": "HallucinationRateHigh",
            "labels": {"playbook": "llm-chat", "env": "staging", "release": "r2"}
            if labels is None
            else labels,
        }
    )


def an_opening(release: str = "r2") -> OpenIncident:
    return OpenIncident(
        incident=incident_id("chat", release),
        service="chat",
        release=release,
        playbook=PLAYBOOK,
        digest=digest_of(PLAYBOOK),
    )


def an_act(act_id: str, action: Action = Action.ACKNOWLEDGE, reason: str = "") -> Act:
    return Act(id=act_id, action=action, actor=ALICE, reason=reason)


def captured(name: str) -> bytes:
    return (DATA / f"alertmanager-{name}.json").read_bytes()


def a_member(
    number: int = 1, *, status: str = "firing", release: str = "r2", **labels: str
) -> dict[str, object]:
    names = {"alertname": "Bad", "playbook": "llm-chat", "env": "staging", "release": release, **labels}
    return {
        "status": status,
        "labels": names,
        "startsAt": "2026-01-05T09:00:00Z",
        "fingerprint": f"f{number}",
    }


def a_group(*members: dict[str, object]) -> bytes:
    return json.dumps({"version": "4", "status": "firing", "alerts": members}).encode()


def slash(text: str, *, user: str = "U01ALICE", trigger: str = "1.2.abc") -> bytes:
    form = {"command": "/backout", "text": text, "user_id": user, "trigger_id": trigger}
    return urlencode(form).encode()


def signed(body: bytes, *, at: float, secret: str = SIGNING_SECRET) -> dict[str, str]:
    timestamp = str(int(at))
    signature = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
    assert signature
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signature,
    }
