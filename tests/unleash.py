"""A real Unleash on loopback, on a real PostgreSQL, as its own pages speak to it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import JsonValue

from tests import postgres
from tests.installed import PATIENCE_S, needed, until_up
from tests.ports import kept_port
from tools.test_servers import folder_of

_SERVER = "unleash-8.2.0"
NEEDED = (*needed(_SERVER), postgres.NEEDED)
ADMIN, CLIENT = "*:*.admin", "default:development.client"
"""Tokens: one that may do everything, and one that clients ask with."""
FEATURES = "/api/admin/projects/default/features"


@dataclass(frozen=True)
class Running:
    """Where it listens, and what a person does there."""

    port: int
    _numbers: Iterator[int] = field(default_factory=count)

    @property
    def url(self) -> str:
        """Return the server's address."""
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: JsonValue = None) -> Any:  # noqa: ANN401  # any JSON
        """Do something, as the pages do; return the answer."""
        headers = {"Authorization": ADMIN}
        found = httpx.request(
            method, f"{self.url}{path}", json=body, headers=headers, timeout=PATIENCE_S, trust_env=False
        )
        return found.raise_for_status().json() if found.content else None

    def feature(self, release: str, **strategy: JsonValue) -> str:
        """Make a feature that is on for everybody with such a strategy; return its name."""
        name = f"chat-{next(self._numbers)}-{release}"
        self.ask("POST", FEATURES, {"name": name, "type": "release"})
        self.add(name, **strategy)
        self.ask("POST", f"{self.place(name)}/on")
        return name

    def add(self, feature: str, **strategy: JsonValue) -> str:
        """Give a feature one more strategy; return its id."""
        parameters: JsonValue = {"rollout": "100", "stickiness": "userId", "groupId": feature}
        body: JsonValue = {"name": "flexibleRollout", "parameters": parameters, **strategy}
        found: str = self.ask("POST", f"{self.place(feature)}/strategies", body)["id"]
        return found

    def strategy(self, feature: str) -> dict[str, Any]:
        """Return the first strategy of a feature."""
        found: dict[str, Any] = self.ask("GET", self.place(feature))["strategies"][0]
        return found

    def let_in(self, feature: str, users: Iterable[str]) -> set[str]:
        """Return which users the feature is on for, by the server's own evaluation."""
        asked: JsonValue = {
            "projects": ["default"],
            "environments": ["development"],
            "context": {"appName": "chat", "userId": ",".join(users)},
        }
        found = self.ask("POST", "/api/admin/playground/advanced", asked)["features"]
        (environments,) = (one["environments"] for one in found if one["name"] == feature)
        return {one["context"]["userId"] for one in environments["development"] if one["isEnabled"]}

    def roll_out(self, feature: str, rollout: str) -> None:
        """Set the rollout, as a person does: what the page has shown is sent again."""
        strategy = self.strategy(feature)
        body = {**strategy, "parameters": {**strategy["parameters"], "rollout": rollout}}
        self.ask("PUT", f"{self.place(feature)}/strategies/{strategy['id']}", body)

    def place(self, feature: str, environment: str = "development") -> str:
        """Return the path of a feature in an environment."""
        return f"{FEATURES}/{feature}/environments/{environment}"


@contextmanager
def unleash(database: str) -> Iterator[Running]:
    """Run Unleash on the PostgreSQL server at that host:port."""
    with kept_port() as port:
        yield from _unleash(database, port)


def _unleash(database: str, port: int) -> Iterator[Running]:
    user, password = quote(postgres.USER, safe=""), quote(postgres.PASSWORD, safe="")
    folder = folder_of(_SERVER) / "node_modules"
    settings: Mapping[str, str] = {
        "DATABASE_URL": f"postgres://{user}:{password}@{database}/postgres",
        "DATABASE_SSL": "false",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": str(port),
        "SEND_TELEMETRY": "false",
        "CHECK_VERSION": "false",
        "INIT_ADMIN_API_TOKENS": ADMIN,
        "INIT_BACKEND_API_TOKENS": CLIENT,
    }
    command = [str(folder / "node/bin/node"), str(folder / "unleash-server/dist/server.js")]
    with tempfile.TemporaryDirectory(prefix="backout-unleash-") as name:
        log, environ = Path(name, "log"), {**os.environ, **settings}
        with log.open("w") as output:
            process = subprocess.Popen(command, cwd=name, env=environ, stdout=output, stderr=output)
        running = Running(port)
        try:
            until_up(process, lambda: _answers(running.url), log)
            yield running
        finally:
            process.kill()
            process.wait(PATIENCE_S)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", trust_env=False).is_success
    except httpx.HTTPError:
        return False
