"""The composition root: each kind of the site file becomes its adapter."""

from __future__ import annotations

import inspect
import pkgutil
import sqlite3
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

import activities
import wiring
from adapters.channels.pace import Paced
from adapters.channels.slack import SlackWeb
from adapters.channels.terminal import Terminal
from adapters.checks.http import HttpChecker
from adapters.checks.subject import Subject
from adapters.sources.exposition import ExpositionMetrics
from adapters.sources.prometheus import PrometheusApi
from adapters.sources.push import PushedCounts
from adapters.sources.report import Reports
from adapters.sources.shared import SharedLooks
from adapters.sources.sql import SqlCounts
from adapters.targets.flagd_file import FlagdFile
from backout import ports
from backout.counting import MarkedEvent, Query
from backout.errors import (
    FileUnreadable,
)
from backout.pushes import Push
from cli.starter import write_starter
from deployment import load_deployment, read_site
from tests.adapters.asking import count
from tests.adapters.reporting import NOON, line


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return the starter's site file."""
    file, *_ = write_starter(tmp_path)
    return file


def change(site: Path, old: str, new: str) -> None:
    """Change the text of the site file."""
    text = site.read_text()
    assert old in text
    site.write_text(text.replace(old, new))


async def test_each_kind_of_the_site_file_becomes_its_adapter(site: Path) -> None:
    change(
        site, "status-page: {kind: terminal}", "status-page: {kind: slack, channel: C01, token: {env: SLACK}}"
    )
    at = read_site(site, {"SLACK": "xoxb-1"})
    async with wiring.open_adapters(at) as adapters:
        assert isinstance(behind(adapters, "chat-metrics"), ExpositionMetrics)
        assert isinstance(adapters.targets()["chat-exposure"], FlagdFile)
        channels = adapters.channels()
        assert isinstance(channels["incidents"], Terminal)
        assert isinstance(channels["status-page"], Paced)
        assert isinstance(channels["status-page"].behind, SlackWeb)
        check = adapters.checks()["served-version"]
        assert isinstance(check, Subject)
        assert isinstance(check.behind, HttpChecker)


def behind(adapters: wiring.Adapters, source: str) -> ports.Source:
    """Return the source that is asked when it is looked at together."""
    shared = adapters.sources()[source]
    assert isinstance(shared, SharedLooks)
    return shared.behind


async def test_sources_of_counts_that_others_keep_are_built(site: Path) -> None:
    kinds = (
        "  pushed: {kind: push, path: pushes.db, token: {env: PUSH}, keep: 3d}\n"
        "  labels: {kind: sql, url: {env: URL}, timeout: 3s}\n"
        "  reports: {kind: report, path: 'reports/*.jsonl'}\n"
    )
    change(site, "sources:\n", f"sources:\n{kinds}")
    sqlite3.connect(site.parent / "labels.db").execute("CREATE TABLE labels (id INTEGER)").connection.close()
    url = f"sqlite:///{site.parent}/labels.db"
    async with wiring.open_adapters(read_site(site, {"URL": url, "PUSH": "s3cret"})) as adapters:
        assert isinstance(behind(adapters, "pushed"), PushedCounts)
        assert isinstance(behind(adapters, "labels"), SqlCounts)
        assert isinstance(behind(adapters, "reports"), Reports)
        assert set(adapters.pushes()) == {"pushed"}
        now = datetime.now(UTC)
        push = Push(source="pushed", key="k", counts={"judged": 3}, at=now, received_at=now)
        assert await adapters.pushes()["pushed"].take(push=push)
        assert await count(adapters.sources()["pushed"], "judged") == 3
        assert await count(adapters.sources()["labels"], "SELECT 5") == 5
        assert (site.parent / "pushes.db").exists()


async def test_reports_are_kept_for_as_long_as_the_site_says(site: Path) -> None:
    change(site, "sources:\n", "sources:\n  reports: {kind: report, path: r.jsonl, keep: 8m}\n")
    lines = "".join(line(f"o-{minute}", made=minute, unsafe=True) for minute in (0, 60))
    (site.parent / "r.jsonl").write_text(lines + lines)
    async with wiring.open_adapters(read_site(site, {})) as adapters:
        source, query, tick = adapters.sources()["reports"], Query(text="unsafe.bad"), timedelta(minutes=1)
        assert await count(source, "unsafe.bad") == 2
        (found,) = await source.history(queries=[query], start=NOON, end=NOON, tick=tick)
        assert found[0].problem == "outputs are forgotten after 8m (`keep`)"


async def test_the_registry_and_the_marked_events_are_kept_beside_the_incidents(site: Path) -> None:
    async with wiring.open_adapters(read_site(site, {})) as adapters:
        now = datetime.now(UTC)
        event = MarkedEvent(key="k", kind="deploy", what="w", start=now)
        assert await adapters.marks().mark(event=event)
        assert await adapters.marks().during(service="chat", start=now, end=now) == (event,)
        assert await adapters.registry().releases(service=None, limit=5) == ()
    assert (site.parent / ".backout" / "backout.db").exists()


def as_prometheus(site: Path, url: str, *more: str) -> None:
    """Make the starter's source a Prometheus."""
    change(
        site, "    kind: exposition\n", "    kind: prometheus\n" + "".join(f"    {line}\n" for line in more)
    )
    change(site, "http://127.0.0.1:8000/metrics", url)


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ([], None),
        (["token: {env: SECRET}"], "Bearer s3cret"),
        (["basic: {user: ann, password: {env: SECRET}}"], "Basic YW5uOnMzY3JldA=="),
    ],
    ids=["nothing", "a token", "a user and a password"],
)
async def test_a_prometheus_is_shown_what_the_site_names(
    site: Path, more: list[str], shown: str | None
) -> None:
    seen: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.json_response({"data": {"resultType": "scalar", "result": [0, "5"]}})

    app = web.Application()
    app.router.add_get("/api/v1/query", answer)
    async with TestServer(app) as server:
        as_prometheus(site, str(server.make_url("/")), *more)
        async with wiring.open_adapters(read_site(site, {"SECRET": "s3cret"})) as adapters:
            source = adapters.sources()["chat-metrics"]
            assert isinstance(behind(adapters, "chat-metrics"), PrometheusApi)
            assert await count(source, "5") == 5
    assert set(seen) == {shown}


@pytest.mark.parametrize(
    "more",
    [["ca: keys/x.pem"], ["client_cert: keys/x.pem", "client_key: keys/x.key"]],
    ids=["the authority's", "our own"],
)
async def test_a_certificate_that_is_not_there_is_named_with_its_path(site: Path, more: list[str]) -> None:
    as_prometheus(site, "https://127.0.0.1:9090", *more)
    async with wiring.open_adapters(read_site(site, {})) as adapters:
        with pytest.raises(FileUnreadable, match=f"{site.parent}/keys/x.pem.* cannot be read: No such file"):
            adapters.sources()


async def test_the_worker_gets_every_activity_that_there_is(site: Path) -> None:
    modules = [
        import_module(f"activities.{found.name}") for found in pkgutil.iter_modules(activities.__path__)
    ]
    classes = {
        owner
        for module in modules
        for name, owner in inspect.getmembers(module, inspect.isclass)
        if name.endswith("Activities")
    }
    deployment = load_deployment(read_site(site, {}))
    async with wiring.open_activities(deployment, ui="") as registered:
        assert {type(getattr(activity, "__self__", None)) for activity in registered} == classes
