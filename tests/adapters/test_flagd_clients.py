"""What real clients of the flag see: the OpenFeature SDK with flagd's own file provider."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext

from adapters.targets.flagd_file import FlagdFile

USERS = [f"user-{number}" for number in range(2000)]
FLAG = {"state": "ENABLED", "variants": {"r1": "r1", "r2": "r2"}, "defaultVariant": "r2"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "flags.json"
    path.write_text(json.dumps({"flags": {"chat-release": FLAG}}))
    return path


@pytest.fixture
def client(path: Path) -> Iterator[OpenFeatureClient]:
    provider = FlagdProvider(
        resolver_type=ResolverType.FILE, offline_flag_source_path=str(path), deadline_ms=20
    )
    api.set_provider_and_wait(provider, "clients")
    yield api.get_client("clients")
    provider.shutdown()


def wait_for(client: OpenFeatureClient, key: str) -> None:
    """Wait until the client has seen the change of that key: its provider looks at the file now and then."""
    ends = time.monotonic() + 60
    while f'"{key}"' not in str(client.get_string_details("chat-release", "none").flag_metadata):
        assert time.monotonic() < ends, f"the client never saw {key}"
        time.sleep(0.005)


def on_candidate(client: OpenFeatureClient) -> set[str]:
    return {
        user
        for user in USERS
        if client.get_string_value("chat-release", "none", EvaluationContext(user)) == "r2"
    }


async def test_each_stage_keeps_a_part_of_the_users_of_the_stage_before(
    path: Path, client: OpenFeatureClient
) -> None:
    target = FlagdFile(str(path), "chat-release", "r1")
    exposed = [set(USERS)]
    assert on_candidate(client) == exposed[0]
    for percent in (100, 50, 10, 0):
        await target.set(service="chat", release="r2", percent=percent, key=f"stage-{percent}")
        wait_for(client, f"stage-{percent}")
        exposed.append(on_candidate(client))
    assert [len(users) for users in exposed] == [
        2000,
        2000,
        pytest.approx(1000, abs=100),
        pytest.approx(200, abs=60),
        0,
    ]
    assert all(after <= before for before, after in pairwise(exposed))


async def test_users_without_a_key_are_off_the_candidate_at_zero(
    path: Path, client: OpenFeatureClient
) -> None:
    target = FlagdFile(str(path), "chat-release", "r1")
    await target.set(service="chat", release="r2", percent=0, key="off")
    wait_for(client, "off")
    assert client.get_string_value("chat-release", "none") == "r1"


async def test_changes_in_quick_succession_all_reach_the_clients(
    path: Path, client: OpenFeatureClient
) -> None:
    target = FlagdFile(str(path), "chat-release", "r1")
    for number in range(20):
        await target.set(service="chat", release="r2", percent=number, key=f"k{number}")
        wait_for(client, f"k{number}")
