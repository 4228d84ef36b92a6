"""Each kind of check of the site file becomes its adapter, with what the site lets it reach."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import wiring
from adapters.checks.subject import Subject
from backout.errors import SecretMissing
from backout.requests import RunCheck
from cli.starter import write_starter
from deployment import read_site

CHECKS = """\
  a: {kind: sql, url: {env: DB}, timeout: 5s, query: "SELECT id FROM outputs", no_rows: true}
  b: {kind: command, timeout: 5s, command: [/bin/sh, -c, 'echo $WORD; pwd'],
    env: {WORD: {env: WORD}}, folder: jobs}
  c: {kind: digest, timeout: 5s, artifacts: [{artifact: model, path: $release.bin}]}
  d: {kind: drained, timeout: 5s, apart: 1ms, count: {kind: source, source: labels, query: "SELECT 0"}}
  e: {kind: pairing, timeout: 5s, one: {kind: file, path: e.json, field: v},
    other: {kind: sql, url: {env: DB}, query: "SELECT 3"}}
  f: {kind: purged, url: "http://127.0.0.1:1/c", timeout: 5s, age_below: 1m, token: {env: WORD}, every: 5s}
  g: {kind: outputs, url: {env: DB}, timeout: 5s, ids: "SELECT id FROM outputs",
    left: "SELECT id FROM outputs", every: 5s}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site with a check of every kind, a database and a folder for commands."""
    site, *_ = write_starter(tmp_path)
    text = site.read_text().replace(
        "sources:\n", "sources:\n  labels: {kind: sql, url: {env: DB}, timeout: 5s}\n"
    )
    site.write_text(text.replace("checks:\n", f"checks:\n{CHECKS}"))
    (tmp_path / "jobs").mkdir()
    (tmp_path / "e.json").write_text('{"v": 3}')
    with closing(sqlite3.connect(tmp_path / "outputs.db")) as connection:
        connection.execute("CREATE TABLE outputs (id TEXT)")
        connection.execute("INSERT INTO outputs VALUES ('o-1')")
        connection.commit()
    return site


async def test_every_kind_looks_at_what_the_site_file_names(site: Path, tmp_path: Path) -> None:
    environ = {"DB": f"sqlite:///{tmp_path}/outputs.db", "WORD": "secret-word"}
    async with wiring.open_adapters(read_site(site, environ)) as adapters:
        checks = adapters.checks()

        async def found(check: str) -> str:
            result = await checks[check].run(
                asked=RunCheck(check=check, service="chat", release="r2", baseline="r1")
            )
            return f"{result.passed}: {result.found}"

        assert await found("a") == "False: 'SELECT id FROM outputs': 1 rows where none may be: \"o-1\""
        assert await found("b") == f"True: /bin/sh ended with exit code 0: *** / {tmp_path}/jobs"
        assert await found("c") == "False: r1: model is not recorded: the release is not registered with one"
        assert await found("d") == "True: 'SELECT 0': 0, then 0 (at most 0)"
        assert await found("e") == "True: v of e.json is 3; 'SELECT 3' is 3"
        assert (await found("g")).startswith("False: 1 outputs of r2, 1 left")
        waits = {name: check for name, check in checks.items() if isinstance(check, Subject)}
        assert set(waits) == set(checks)


async def test_a_check_that_does_not_pass_says_when_to_look_again(site: Path, tmp_path: Path) -> None:
    environ = {"DB": f"sqlite:///{tmp_path}/outputs.db", "WORD": "w"}
    async with wiring.open_adapters(read_site(site, environ)) as adapters:
        asked = RunCheck(check="g", service="chat", release="r2")
        once, again = [(await adapters.checks()[name].run(asked=asked)).again for name in ("a", "g")]
    assert (once, again and again.total_seconds()) == (None, 5)


async def test_a_check_without_its_secret_is_told(site: Path) -> None:
    async with wiring.open_adapters(read_site(site, {"WORD": "w"})) as adapters:
        with pytest.raises(SecretMissing, match="DB"):
            adapters.checks()
