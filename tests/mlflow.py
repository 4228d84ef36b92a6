"""A real MLflow on loopback, in a folder of its own, as its own client speaks to it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx
from pydantic import JsonValue

from tests.installed import PATIENCE_S, needed, until_up
from tests.ports import kept_port
from tools.test_servers import folder_of

_SERVER = "mlflow-3.17.2"
NEEDED = needed(_SERVER)
_IS_PROMPT: JsonValue = {"key": "mlflow.prompt.is_prompt", "value": "true"}


@dataclass(frozen=True)
class Running:
    """Where it listens, and what a person does there."""

    port: int
    _numbers: Iterator[int] = field(default_factory=count)

    @property
    def url(self) -> str:
        """Return the server's address."""
        return f"http://127.0.0.1:{self.port}"

    def post(self, path: str, body: Mapping[str, JsonValue]) -> None:
        """Do something, as MLflow's client does."""
        url = f"{self.url}/api/2.0/mlflow/{path}"
        httpx.post(url, json=body, timeout=PATIENCE_S, trust_env=False).raise_for_status()

    def register(self, *releases: str, prompt: bool = False) -> str:
        """Register a model, or a prompt, with a version for each release; return its name."""
        name = f"{'prompt' if prompt else 'model'}-{next(self._numbers)}"
        mark = [_IS_PROMPT] if prompt else []
        self.post("registered-models/create", {"name": name, "tags": mark})
        for release in releases:
            tags: JsonValue = [*mark, {"key": "release", "value": release}]
            source = "prompt-template" if prompt else f"s3://models/{release}"
            self.post("model-versions/create", {"name": name, "source": source, "tags": tags})
        return name

    def point(self, name: str, alias: str, version: int) -> None:
        """Take an alias to a version."""
        self.post("registered-models/alias", {"name": name, "alias": alias, "version": str(version)})

    def aliases(self, name: str) -> dict[str, str]:
        """Return where the aliases of a model are."""
        url = f"{self.url}/api/2.0/mlflow/registered-models/get"
        found = (
            httpx.get(url, params={"name": name}, timeout=PATIENCE_S, trust_env=False)
            .raise_for_status()
            .json()
        )
        return {alias["alias"]: alias["version"] for alias in found["registered_model"]["aliases"]}

    def loaded(self, name: str, alias: str) -> str:
        """Return the version that whoever loads `name@alias` gets."""
        url = f"{self.url}/api/2.0/mlflow/registered-models/alias"
        asked = {"name": name, "alias": alias}
        found = httpx.get(url, params=asked, timeout=PATIENCE_S, trust_env=False).raise_for_status()
        version: str = found.json()["model_version"]["version"]
        return version


@contextmanager
def mlflow() -> Iterator[Running]:
    """Run MLflow."""
    with tempfile.TemporaryDirectory(prefix="backout-mlflow-") as name, kept_port() as port:
        folder = Path(name)
        # What 'mlflow server' starts in the end: without that program's own start, which takes as long again.
        command = [str(folder_of(_SERVER) / "bin/python"), "-m", "uvicorn", "mlflow.server.fastapi_app:app"]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        environ = {
            **os.environ,
            "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder}/mlflow.db",
            "_MLFLOW_SERVER_ARTIFACT_ROOT": str(folder),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        log = folder / "log"
        with log.open("w") as output:
            process = subprocess.Popen(command, cwd=folder, env=environ, stdout=output, stderr=output)
        running = Running(port)
        try:
            until_up(process, lambda: _answers(running.url), log)
            yield running
        finally:
            process.kill()
            process.wait(PATIENCE_S)


def _answers(url: str) -> bool:
    try:
        # The first question makes the tables.
        path = "/api/2.0/mlflow/registered-models/search"
        return httpx.get(f"{url}{path}", timeout=PATIENCE_S, trust_env=False).is_success
    except httpx.HTTPError:
        return False
