from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TypeAlias

import pytest
from aiohttp import web

from adapters.checks import http
from adapters.checks.http import HttpChecker
from backout.errors import RejectedBySystem, Unreachable
from backout.messages import CheckResult
from backout.requests import RunCheck

Serve: TypeAlias = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]


class Checks:
    """Runs checks and closes what they opened."""

    def __init__(self) -> None:
        self.opened: list[HttpChecker] = []

    async def run(
        self,
        url: str,
        *,
        status: int = 200,
        expect: Mapping[str, str | int | float | bool] | None = None,
        timeout_s: float = 30,
    ) -> CheckResult:
        checker = HttpChecker("cache", url, timedelta(seconds=timeout_s), status, expect)
        self.opened.append(checker)
        return await checker.run(asked=RunCheck(check="cache", service="chat", release="r2+a/b"))


@pytest.fixture
async def checks() -> AsyncIterator[Checks]:
    checks = Checks()
    yield checks
    for checker in checks.opened:
        await checker.aclose()


@pytest.fixture
async def address(serve: Serve) -> str:
    async def answer(request: web.Request) -> web.Response:
        match request.path:
            case "/world":
                served = {"id": "r2+a/b", "ok": True, "stale": 0, "share": 0.5}
                return web.json_response({"served": served, "shards": [{"ok": True}, {"ok": False}]})
            case "/echo":
                return web.json_response({"path": request.raw_path})
            case "/text":
                return web.Response(text="fine")
            case "/moved":
                return web.Response(status=302, headers={"Location": "/world"})
            case "/large":
                return web.Response(body=b"x" * 2000)
            case "/slow":
                await asyncio.Event().wait()
        return web.json_response({}, status=503)

    return await serve(answer)


async def test_a_check_passes_on_its_status_alone(checks: Checks, address: str) -> None:
    result = await checks.run(f"{address}/text")
    assert result == CheckResult(check="cache", passed=True, found=f"GET {address}/text answered 200")


async def test_another_status_fails_the_check_and_is_told(checks: Checks, address: str) -> None:
    result = await checks.run(f"{address}/down")
    assert (result.passed, result.found) == (False, f"GET {address}/down answered 503, expected 200")


async def test_a_check_may_expect_another_status_than_200(checks: Checks, address: str) -> None:
    assert (await checks.run(f"{address}/down", status=503)).passed


async def test_a_redirect_is_an_answer_and_not_followed(checks: Checks, address: str) -> None:
    result = await checks.run(f"{address}/moved")
    assert (result.passed, result.found) == (False, f"GET {address}/moved answered 302, expected 200")


@pytest.mark.parametrize(
    ("expect", "passed", "seen"),
    [
        pytest.param({"served.ok": True}, True, "served.ok is true", id="a field"),
        pytest.param({"served.ok": 1}, False, "served.ok is true (expected 1)", id="true is not 1"),
        pytest.param({"served.stale": 0}, True, "served.stale is 0", id="a number"),
        pytest.param(
            {"served.stale": False}, False, "served.stale is 0 (expected false)", id="0 is not false"
        ),
        pytest.param({"served.share": 0.5}, True, "served.share is 0.5", id="a fraction"),
        pytest.param({"served.id": "$release"}, True, 'served.id is "r2+a/b"', id="the release itself"),
        pytest.param(
            {"served.id": "$service"},
            False,
            'served.id is "r2+a/b" (expected "chat")',
            id="the service itself",
        ),
        pytest.param({"shards.0.ok": True}, True, "shards.0.ok is true", id="an item of a list"),
        pytest.param(
            {"shards.2.ok": True}, False, "shards.2.ok is missing (expected true)", id="too few items"
        ),
        pytest.param({"served.no": "x"}, False, 'served.no is missing (expected "x")', id="a missing field"),
        pytest.param(
            {"served.ok.x": 1}, False, "served.ok.x is missing (expected 1)", id="deeper than a leaf"
        ),
        pytest.param(
            {"served.ok": True, "served.stale": 3},
            False,
            "served.ok is true, served.stale is 0 (expected 3)",
            id="all fields must match",
        ),
    ],
)
async def test_fields_of_the_answer_are_compared_and_told(
    checks: Checks, address: str, expect: dict[str, str | int | float | bool], *, passed: bool, seen: str
) -> None:
    result = await checks.run(f"{address}/world", expect=expect)
    assert (result.passed, result.found) == (passed, f"GET {address}/world answered 200, {seen}")


async def test_an_answer_that_is_not_json_fails_a_check_of_fields(checks: Checks, address: str) -> None:
    result = await checks.run(f"{address}/text", expect={"ok": True})
    assert (result.passed, result.found) == (False, f"GET {address}/text answered 200, but not with JSON")


async def test_the_service_and_the_release_are_filled_in_encoded(checks: Checks, address: str) -> None:
    result = await checks.run(
        f"{address}/echo?s=$service&r=$release", expect={"path": "/echo?s=chat&r=r2%2Ba%2Fb"}
    )
    assert result.passed
    assert f"{address}/echo?s=chat&r=r2%2Ba%2Fb" in result.found


async def test_a_world_that_cannot_be_seen_is_not_a_failed_check(
    checks: Checks, address: str, closed_address: str
) -> None:
    with pytest.raises(Unreachable, match="check cache did not answer"):
        await checks.run(closed_address)
    with pytest.raises(Unreachable, match=r"no whole answer from .*/slow within 0\.1 s"):
        await checks.run(f"{address}/slow", timeout_s=0.1)


async def test_an_answer_that_is_too_large_is_refused(
    checks: Checks, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "ANSWER_LIMIT", 1000)
    with pytest.raises(RejectedBySystem, match="is larger than 1000 bytes"):
        await checks.run(f"{address}/large")
