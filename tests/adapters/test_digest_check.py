"""Artifacts against their digests: real files, real folders, and a real server."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from aiohttp import web

from adapters.stores.registry import SqliteRegistry
from backout.errors import RejectedBySystem, Unreachable
from backout.releases import Artifact, Registration, ReleaseRecord
from tests.adapters.checked import Checks, secret

Serve: TypeAlias = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]
# The command of docs/how-to/integrity-checks.md.
CANONICAL = "find -L . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"
GIVEN = "sha256:" + "a" * 64


def digest(content: bytes) -> str:
    return "sha256:" + sha256(content).hexdigest()


@pytest.fixture
async def registry(checks: Checks, tmp_path: Path) -> SqliteRegistry:
    """A registry in which r1 of chat is registered: a model, and two prompts."""
    registry = SqliteRegistry(str(tmp_path / "registry.db"))
    artifacts = (
        Artifact(kind="model", name="chat-7b", digest=digest(b"weights")),
        Artifact(kind="prompt", name="system", digest=digest(b"be kind")),
        Artifact(kind="prompt", name="tools", digest=digest(b"use them")),
    )
    told = Registration(service="chat", release="r1", playbook="p", owner="ann", artifacts=artifacts)
    record = ReleaseRecord(registration=told, registered_at=datetime(2026, 1, 5, tzinfo=UTC), by="ci")
    await registry.register(record=record)
    checks.registry = registry
    checks.opened.append(registry)  # type: ignore[arg-type]  # it is only closed
    return registry


async def look(checks: Checks, *artifacts: dict[str, Any], **config: Any) -> tuple[bool, str]:  # noqa: ANN401
    result = await checks.run(kind="digest", artifacts=list(artifacts), **config)
    return result.passed, result.found


@pytest.mark.usefixtures("registry")
async def test_the_baselines_artifacts_are_held_against_what_was_registered(
    checks: Checks, tmp_path: Path
) -> None:
    (tmp_path / "r1").mkdir()
    (tmp_path / "r1" / "model.bin").write_bytes(b"weights")
    (tmp_path / digest(b"be kind").partition(":")[2]).write_bytes(b"be kind!")
    model = {"artifact": "model", "path": "$release/model.bin"}
    system = {"artifact": "prompt", "name": "system", "path": "$hex"}
    assert await look(checks, model) == (
        True,
        f"r1: model {tmp_path}/r1/model.bin has its digest",
    )
    passed, found = await look(checks, model, system)
    assert not passed
    assert found.endswith(f" has {digest(b'be kind!')} (recorded {digest(b'be kind')})")


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize(
    ("artifact", "config", "found"),
    [
        ({"artifact": "model", "path": "none"}, {}, "r1: model {folder}/none is missing"),
        (
            {"artifact": "index", "path": "x"},
            {},
            "r1: index is not recorded: the release is not registered with one",
        ),
        (
            {"artifact": "prompt", "path": "x"},
            {},
            "r1: prompt is recorded several times; name one of system, tools",
        ),
        ({"artifact": "model", "name": "other", "path": "x"}, {}, "r1: model other is not recorded: "),
        ({"artifact": "model", "path": "x"}, {"of": "candidate"}, "r2: model is not recorded: "),
        ({"artifact": "model", "path": "x"}, {"baseline": ""}, "no baseline is known here"),
        (
            {"artifact": "model", "path": "x"},
            {"baseline": None},
            "r2: model is not recorded: ",
        ),
    ],
)
async def test_what_is_not_there_or_not_recorded_is_no_data_and_does_not_pass(
    checks: Checks, tmp_path: Path, artifact: dict[str, Any], config: dict[str, Any], found: str
) -> None:
    passed, said = await look(checks, artifact, **config)
    assert not passed
    assert said.startswith(found.format(folder=tmp_path))


async def test_a_folder_has_the_digest_that_the_documented_command_computes(
    checks: Checks, tmp_path: Path
) -> None:
    folder = tmp_path / "index"
    for name in ("b", "a", "B", "sub/c", "sub.d", "sub/ü 1"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"text of {name}")
    (folder / "link").symlink_to("a")
    (folder / "empty").mkdir()
    said = subprocess.run(["/bin/bash", "-c", CANONICAL], cwd=folder, capture_output=True, check=True)  # noqa: ASYNC221
    place = {"path": "index", "digest": f"sha256:{said.stdout.split()[0].decode()}"}
    assert (await look(checks, place))[0]
    (folder / "sub" / "c").rename(folder / "sub" / "d")
    assert not (await look(checks, place))[0]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (Path.resolve, "is an empty folder"),
        (lambda folder: (folder / "loop").symlink_to(folder), "has a link to a folder, loop"),
        (lambda folder: (folder / "lost").symlink_to("nowhere"), "has what is no file, lost"),
        (lambda folder: os.mkfifo(folder / "pipe"), "has what is no file, pipe"),
        (lambda folder: (folder / "a\nb").touch(), "has a file whose name no listing can have"),
        (lambda folder: (folder / "large").write_bytes(b"x" * 3_000_000), "is larger than 2 MiB"),
    ],
    ids=["empty", "a loop", "a dead link", "a pipe", "a line break in a name", "too large"],
)
async def test_a_folder_without_a_digest_does_not_pass(
    checks: Checks, tmp_path: Path, spoil: Callable[[Path], object], says: str
) -> None:
    folder = tmp_path / "index"
    folder.mkdir()
    spoil(folder)
    passed, said = await look(checks, {"path": "index", "digest": GIVEN}, largest_mib=2)
    assert not passed
    assert f"{folder} {says}" in said


async def test_a_socket_is_no_artifact(
    checks: Checks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind("door")
        assert "is neither a file nor a folder" in (await look(checks, {"path": "door", "digest": GIVEN}))[1]


async def test_a_release_never_leads_out_of_its_folder(checks: Checks) -> None:
    with pytest.raises(RejectedBySystem, match=r"release '\.\./secrets' is no part of a path"):
        await look(checks, {"path": "$release", "digest": GIVEN}, of="candidate", release="../secrets")


@pytest.fixture
async def address(serve: Serve) -> str:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/weights":
            response = web.StreamResponse()
            await response.prepare(request)
            for _ in range(30):
                await response.write(b"w" * 100_000)
            return response
        known = request.headers.get("Authorization") == "Bearer t0ken"
        status = {"/down": 503, "/missing": 404}.get(request.path, 200 if known else 401)
        return web.Response(status=status, body=b"mine")

    return await serve(answer)


async def test_a_body_is_compared_as_it_comes_and_only_so_far(checks: Checks, address: str) -> None:
    place = {"url": f"{address}/weights", "digest": digest(b"w" * 3_000_000)}
    assert (await look(checks, place))[0]
    passed, said = await look(checks, place, largest_mib=2)
    assert not passed
    assert said.endswith("/weights is larger than 2 MiB; raise 'largest_mib'")


async def test_an_address_gets_its_token_and_what_it_refuses_is_told(checks: Checks, address: str) -> None:
    place = {"url": f"{address}/$release", "digest": digest(b"mine")}
    token = secret(checks, "t0ken")
    assert await look(checks, place | {"token": token}) == (
        True,
        f"r1: artifact {address}/r1 has its digest",
    )
    assert (await look(checks, place))[1].endswith("answers 401")
    assert (await look(checks, place | {"url": f"{address}/missing"}))[1].endswith("answers 404")


async def test_what_cannot_be_read_now_is_no_failed_check(
    checks: Checks, address: str, closed_address: str
) -> None:
    for url in (f"{address}/down", closed_address):
        with pytest.raises(Unreachable):
            await look(checks, {"url": url, "digest": GIVEN})


async def test_what_takes_too_long_is_no_failed_check(checks: Checks, serve: Serve) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x")

    address = await serve(drip)
    with pytest.raises(Unreachable, match=r"no answer within 0\.3 s"):
        await look(checks, {"url": address, "digest": GIVEN}, timeout="300ms")
