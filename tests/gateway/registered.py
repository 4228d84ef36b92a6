"""A registered release, as pipelines tell it and as the registry keeps it."""

from __future__ import annotations

from backout.releases import Registration, ReleaseRecord
from tests.gateway.world import NINE

DIGEST = "sha256:" + "ab" * 32


def a_registration(release: str = "r2", /, **changes: object) -> dict[str, object]:
    told: dict[str, object] = {
        "service": "chat",
        "release": release,
        "playbook": "chat-agent",
        "owner": "team chat",
        "artifacts": [{"kind": "model", "name": "chat-8b", "digest": DIGEST}],
        "datasets": [{"name": "dialogues-7", "uri": "s3://data/7"}],
        "evaluations": [{"name": "grounding", "digest": DIGEST}],
        "ramp": [{"percent": 5, "after": "1h"}, {"percent": 50, "after": "1d"}],
    }
    return told | changes


def a_record(release: str = "r2", /, **changes: object) -> ReleaseRecord:
    told = Registration.model_validate(a_registration(release, **changes))
    return ReleaseRecord(registration=told, registered_at=NINE, by="pipeline")


RECORD = a_record(baseline="r1")
