"""Targets of the site file: each kind becomes its adapter, and is refused where it does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

import wiring
from adapters.targets.haproxy import Haproxy
from adapters.targets.http import HttpTarget
from backout.errors import FileUnreadable, InvalidDocument, SecretMissing
from backout.exposure import Capability
from cli.starter import write_starter
from deployment import read_site
from tests.haproxy import NEEDED, haproxy
from tests.unit.doctored import look, said, write_site

FLAGD = """    kind: flagd-file
    path: flags.json
    flag: chat-release
    baseline: known-good
"""


def with_target(file: Path, *lines: str) -> Path:
    """Put another target in the place of the starter's."""
    text = file.read_text()
    assert FLAGD in text
    file.write_text(text.replace(FLAGD, "".join(f"    {line}\n" for line in lines)))
    return file


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return the starter's site file."""
    file, *_ = write_starter(tmp_path)
    return file


@NEEDED
@pytest.mark.parametrize("candidate", ["$release", "r2"], ids=["named by the release", "of one name"])
async def test_weights_of_haproxy_are_read_by_the_doctor(tmp_path: Path, candidate: str) -> None:
    with haproxy() as server:
        lines = (f"socket: {server.admin}", "backend: chat", f"candidate: {candidate}", "baseline: r1")
        file = with_target(write_site(tmp_path), "kind: haproxy", *lines)
        assert said(await look(file, release="r2"), "target chat-exposure") == [
            "ok: 100 % of traffic is on r2"
        ]
        unnamed = {"$release": "ok: 0 % of traffic is on r1", "r2": "ok: 100 % of traffic is on r2"}
        assert said(await look(file, release=None), "target chat-exposure") == [unnamed[candidate]]


@NEEDED
async def test_a_relative_socket_begins_at_the_site_file(site: Path) -> None:
    with haproxy() as server:
        (site.parent / "run").symlink_to(server.admin.parent)
        with_target(site, "kind: haproxy", "socket: run/admin", "backend: chat", "baseline: r1")
        async with wiring.open_adapters(read_site(site, {})) as adapters:
            target = adapters.targets()["chat-exposure"]
            assert isinstance(target, Haproxy)
            assert (await target.read(service="chat", release="r2")).percent == 100


async def test_an_http_target_is_shown_the_token_that_the_site_names(site: Path) -> None:
    seen: list[tuple[str, str | None]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.path, request.headers.get("Authorization")))
        return web.json_response({"percent": 30})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app) as server:
        url = f"url: {server.make_url('/')}of/$service/$release"
        with_target(site, "kind: http", url, "token: {env: TOKEN}")
        async with wiring.open_adapters(read_site(site, {"TOKEN": "s3cret"})) as adapters:
            target = adapters.targets()["chat-exposure"]
            assert isinstance(target, HttpTarget)
            assert (await target.read(service="chat", release="r2")).percent == 30
        async with wiring.open_adapters(read_site(site, {})) as adapters:
            with pytest.raises(SecretMissing, match="TOKEN"):
                adapters.targets()
    assert seen == [("/of/chat/r2", "Bearer s3cret")]


@pytest.mark.parametrize("said", list(Capability))
async def test_an_http_target_is_a_pointer_where_the_site_says_so(site: Path, said: Capability) -> None:
    with_target(site, "kind: http", "url: http://127.0.0.1:1/$release", f"capability: {said}")
    async with wiring.open_adapters(read_site(site, {})) as adapters:
        assert adapters.targets()["chat-exposure"].capability is said


async def test_the_doctor_asks_for_a_release_where_a_target_needs_one(tmp_path: Path) -> None:
    file = with_target(write_site(tmp_path), "kind: http", "url: http://127.0.0.1:1/$release")
    told = said(await look(file, release=None), "target chat-exposure")
    assert told == ["warn: It is asked for a release. Name one with --release."]
    told = said(await look(file, release="r2"), "target chat-exposure")
    assert told[0].startswith("fail: exposure at http://127.0.0.1:1/$release did not answer")


async def test_an_authority_that_is_not_there_is_named_with_its_path(site: Path) -> None:
    with_target(site, "kind: http", "url: https://127.0.0.1:1/$release", "ca: keys/x.pem")
    async with wiring.open_adapters(read_site(site, {})) as adapters:
        with pytest.raises(FileUnreadable, match=f"{site.parent}/keys/x.pem.* cannot be read"):
            adapters.targets()


HAPROXY = ("kind: haproxy", "backend: chat", "baseline: r1")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((*HAPROXY, "socket: admin.sock"), "socket: 'admin.sock' is neither host:port nor a path"),
        ((*HAPROXY, "socket: 'local:99999'"), "socket: 'local:99999' is neither host:port nor a path"),
        ((*HAPROXY, "socket: /a/s", "candidate: r1"), "'candidate' and 'baseline' are two servers"),
        ((*HAPROXY, "socket: /a/s", "candidate: $relase"), "unknown placeholder 'relase'"),
        (
            ("kind: haproxy", "socket: /a/s", "baseline: r1", "backend: a;b"),
            "backend: 'a;b' does not fit",
        ),
        (("kind: http", "url: http://a/b"), r"'url' has no '\$release'"),
        (
            ("kind: http", "url: http://a/$release", "ca: x.pem"),
            "'ca' is for an address that begins with https",
        ),
        (("kind: http", "url: ftp://a/$release"), "is not an address"),
        (("kind: http", "url: http://me:pw@a/$release"), "a secret is named, never written into an address"),
        (("kind: http", "url: http://a/$relase/$release"), "unknown placeholder 'relase'"),
        (("kind: nginx",), "kind: .*flagd-file.*haproxy.*http"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(site: Path, lines: tuple[str, ...], words: str) -> None:
    with_target(site, *lines)
    with pytest.raises(InvalidDocument, match=rf"site\.yaml:\d+:\d+: targets\.chat-exposure.*{words}"):
        read_site(site, {})
