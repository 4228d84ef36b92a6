"""`backout release` and `backout event` as tests run them: on a site whose engine is named and down."""

from __future__ import annotations

import json
from getpass import getuser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from cli.starter import write_starter

DIGEST = "sha256:" + "ab" * 32
BY = f"me (cli:{getuser()})"
KINDS = ("model", "prompt", "config", "index", "guardrail")
REGISTRATION = f"""\
service: chat
release: r2
playbook: conversational-agent
owner: team chat
artifacts:
  - {{kind: model, name: chat-8b, digest: {DIGEST}}}
  - {{kind: prompt, name: system, digest: {DIGEST}}}
  - {{kind: config, name: sampling, digest: {DIGEST}}}
  - {{kind: index, name: articles, digest: {DIGEST}}}
  - {{kind: guardrail, name: moderation, digest: {DIGEST}}}
ramp: [{{percent: 5, after: 1h}}]
"""


def written_site(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a site whose engine is named and down, and a registration."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:9")
    monkeypatch.setattr("cli.session._SETTLE_S", 0)  # This process does not exit with each command.
    write_starter(folder)
    (folder / "r2.yaml").write_text(REGISTRATION)
    return folder / "site.yaml"


def backout(site: Path, *words: str, given: str | None = None) -> Result:
    """Run a command on this site."""
    place = ["--site", str(site), "--state", str(site.parent / "state")]
    return CliRunner().invoke(app, [*words, *place], input=given)


def register(site: Path, *words: str) -> Result:
    """Register r2."""
    return backout(site, "release", "register", str(site.parent / "r2.yaml"), *words)


def told(done: Result) -> Any:  # noqa: ANN401  # what JSON holds
    """Return the JSON of a command that did its work."""
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def releases(site: Path) -> Any:  # noqa: ANN401  # what JSON holds
    """Return the registered releases."""
    return told(backout(site, "release", "list", "--json"))
