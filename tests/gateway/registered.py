"""A registered release, as pipelines tell it and as the registry keeps it, and the hands to tell of one."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from backout.releases import Registration, ReleaseRecord, watch_id
from backout.view import rollout_id
from cli.starter import write_starter
from tests.gateway.running import STARTED, Gateway
from tests.gateway.world import NINE, PIPELINE_TOKEN

DIGEST = "sha256:" + "ab" * 32
KINDS = ("model", "prompt", "config", "index", "guardrail")


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


async def post(gateway: Gateway, body: object, door: str = "/releases") -> httpx.Response:
    return await gateway.post(door, json.dumps(body).encode(), PIPELINE_TOKEN)


async def get(gateway: Gateway, place: str, token: str = PIPELINE_TOKEN) -> httpx.Response:
    return await gateway.http.get(place, headers={"Authorization": f"Bearer {token}"})


async def status_of(client: Client, release: str) -> WorkflowExecutionStatus | None:
    return (await client.get_workflow_handle(f"watch/chat/{release}").describe()).status


async def kept(gateway: Gateway) -> int:
    return len(await gateway.releases.releases(service=None, limit=100))


def starter_site(folder: Path, client: Client, monkeypatch: pytest.MonkeyPatch, *releases: str) -> Path:
    """Write the starter site, on the tests' engine, with a file that registers each of these releases."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", client.service_client.config.target_host)
    write_starter(folder)
    artifacts = "".join(f"\n  - {{kind: {kind}, name: x, digest: {DIGEST}}}" for kind in KINDS)
    for release in releases:
        told = f"service: chat\nrelease: {release}\nplaybook: conversational-agent\nowner: team\n"
        (folder / f"{release}.yaml").write_text(f"{told}artifacts:{artifacts}\n")
        # Commands have clients of their own: what they may start is ended by its name.
        STARTED.ids |= {watch_id("chat", release), rollout_id("chat", release)}
    return folder / "site.yaml"
