"""A cache that is purged and read through: a real caching server before a real origin."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from aiohttp import web

from backout.errors import RejectedBySystem, Unreachable
from tests.adapters.checked import Checks, secret

Serve: TypeAlias = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]


class Cache:
    """A cache that keeps the first answer of its origin until it is purged."""

    def __init__(self) -> None:
        self.serves = "r2"
        """The release that the origin serves; the cache was filled by r2."""
        self.kept: str | None = "r2"
        self.purges: list[tuple[str, str | None, str | None]] = []
        self.refuses = 0
        self.takes_s = 0.0
        """Before it answers anything."""
        self.weakens = False
        """It compresses, which makes an ETag a weak one."""
        self.more: dict[str, str] = {}
        self.address = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer as a cache, or as the origin behind it."""
        await asyncio.sleep(self.takes_s)
        if request.path == "/purge":
            return self._purge(request)
        release = self.serves if request.path == "/origin" else self.kept or self.serves
        age = {"Age": "40"} if request.path == "/cached" and self.kept else {}
        weak = "W/" if self.weakens and request.path == "/cached" else ""
        headers = {"ETag": f'{weak}"{release}"', "X-Release": release} | age | self.more
        if request.path == "/plain":
            return web.Response(text="fine")
        if request.path == "/none":
            return web.Response(status=404)
        return web.json_response({"served": {"release": release, "none": None}}, headers=headers)

    def _purge(self, request: web.Request) -> web.Response:
        keys = (request.headers.get("Idempotency-Key"), request.headers.get("Authorization"))
        self.purges.append((request.method, *keys))
        if self.refuses:
            return web.Response(status=self.refuses)
        self.kept = None
        return web.Response(status=204)


@pytest.fixture
async def cache(serve: Serve) -> Cache:
    cache = Cache()
    cache.address = await serve(cache.answer)
    return cache


async def look(checks: Checks, cache: Cache, path: str = "/cached", **config: Any) -> tuple[bool, str]:  # noqa: ANN401
    places = {name: cache.address + config.pop(name) for name in ("origin",) if name in config}
    result = await checks.run(kind="purged", url=cache.address + path, **places, **config)
    return result.passed, result.found.partition(": ")[2]


OLD: list[tuple[dict[str, Any], str]] = [
    ({"age_below": "30s"}, "its Age is 40 s (below 30 s)"),
    ({"origin": "/origin"}, 'the cache has "r2" and the origin "r1"'),
    ({"not_headers": {"X-Release": "$release"}}, "header X-Release is r2 still"),
    ({"not_fields": {"served.release": "$release"}}, 'served.release is "r2" still'),
]


@pytest.mark.parametrize(("config", "says"), OLD, ids=["age", "origin", "header", "field"])
async def test_old_content_is_told_and_gone_once_the_cache_is_purged(
    checks: Checks, cache: Cache, config: dict[str, Any], says: str
) -> None:
    cache.serves = "r1"
    assert await look(checks, cache, **config) == (False, says)
    assert cache.purges == []
    purge = {"url": f"{cache.address}/purge"}
    assert await look(checks, cache, purge=purge, **config) == (True, "nothing of it is old")


@pytest.mark.parametrize("method", ["POST", "PURGE", "DELETE"])
async def test_a_purge_carries_the_key_of_its_place_and_its_own_token(
    checks: Checks, cache: Cache, method: str
) -> None:
    token = secret(checks, "t0ken")
    purge = {"url": f"{cache.address}/purge", "method": method, "token": token}
    await look(checks, cache, purge=purge, key="i@1/check/1/cache", age_below="1m")
    assert cache.purges == [(method, "i@1/check/1/cache", "Bearer t0ken")]


@pytest.mark.parametrize(
    ("config", "path", "says"),
    [
        ({"not_headers": {"X-Other": "$release"}}, "/cached", "header X-Other is missing, which is no data"),
        (
            {"not_fields": {"served.other": "$release"}},
            "/cached",
            "served.other is missing, which is no data",
        ),
        ({"not_fields": {"served.none": "$release"}}, "/cached", "served.none is null, which is no data"),
        ({"not_fields": {"served": "$release"}}, "/plain", "it is not JSON, which is no data"),
        ({"origin": "/plain"}, "/cached", "the origin sends no ETag, which is no data"),
        ({"origin": "/origin"}, "/plain", "the cache sends no ETag, which is no data"),
    ],
)
async def test_what_does_not_show_its_age_or_release_does_not_pass(
    checks: Checks, cache: Cache, config: dict[str, Any], path: str, says: str
) -> None:
    assert await look(checks, cache, path, **config) == (False, says)


async def test_an_address_without_content_does_not_pass(checks: Checks, cache: Cache) -> None:
    result = await checks.run(kind="purged", url=f"{cache.address}/none", age_below="1m")
    assert (result.passed, result.found) == (
        False,
        f"GET {cache.address}/none answered 404, which is no data",
    )


async def test_an_age_that_is_none_does_not_pass_and_one_that_is_missing_was_not_kept(
    checks: Checks, cache: Cache
) -> None:
    cache.more = {"Age": "-1"}
    assert await look(checks, cache, age_below="1m") == (False, "its Age is '-1', which is no data")
    cache.more, cache.kept = {}, None
    assert (await look(checks, cache, age_below="1m"))[0]


async def test_a_weak_etag_is_the_same_content(checks: Checks, cache: Cache) -> None:
    cache.weakens = True
    assert (await look(checks, cache, origin="/origin"))[0]


async def test_a_cache_that_had_nothing_is_purged(checks: Checks, cache: Cache) -> None:
    cache.refuses, cache.kept = 404, None
    purge = {"url": f"{cache.address}/purge"}
    assert (await look(checks, cache, purge=purge, age_below="1m"))[0]


async def test_a_purge_that_is_refused_never_passes_and_one_that_fails_is_tried_again(
    checks: Checks, cache: Cache
) -> None:
    purge = {"url": f"{cache.address}/purge"}
    cache.refuses = 403
    with pytest.raises(RejectedBySystem, match="purge answered 403"):
        await look(checks, cache, purge=purge, age_below="1m")
    cache.refuses = 503
    with pytest.raises(Unreachable, match="purge answered 503"):
        await look(checks, cache, purge=purge, age_below="1m")


async def test_an_age_that_is_no_number_of_seconds_is_no_data(checks: Checks, cache: Cache) -> None:
    cache.more = {"Age": "9" * 5000}
    assert await look(checks, cache, age_below="1m") == (
        False,
        f"its Age is '{'9' * 200}', which is no data",
    )


async def test_the_purge_and_all_that_is_read_have_one_timeout_together(checks: Checks, cache: Cache) -> None:
    cache.takes_s = 0.3
    purge = {"url": f"{cache.address}/purge"}
    with pytest.raises(Unreachable, match=r"no answer within 0\.5 s"):
        await look(checks, cache, purge=purge, age_below="1m", timeout="500ms")
