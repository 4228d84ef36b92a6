"""The engine is set up alike wherever it runs: a stop is pushed to the worker, in production too."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cli.engine import DYNAMIC_CONFIG

ROOT = Path(__file__).resolve().parents[2]
PUSHES = ("system.enableCancelActivityWorkerCommand", "frontend.WorkerCommandsEnabled")
"""Both are needed, and both are off unless they are set."""


def load(name: str) -> dict[str, object]:
    found = YAML(typ="safe").load((ROOT / name).read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("setting", PUSHES)
def test_cancellations_are_pushed(setting: str) -> None:
    assert DYNAMIC_CONFIG[setting] == "true"
    assert load("deploy/dynamicconfig/backout.yaml")[setting] == [{"value": True}]


def test_the_server_of_the_compose_file_reads_that_file() -> None:
    servers = [
        about
        for about in load("docker-compose.yml")["services"].values()  # type: ignore[attr-defined]  # a mapping
        if "DYNAMIC_CONFIG_FILE_PATH" in (about.get("environment") or {})
    ]
    (server,) = servers
    assert server["environment"]["DYNAMIC_CONFIG_FILE_PATH"] == "config/dynamicconfig/backout.yaml"
    assert "./deploy/dynamicconfig:/etc/temporal/config/dynamicconfig:ro" in server["volumes"]
