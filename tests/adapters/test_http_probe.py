"""A probe by one GET: where it finds the release, what says that a cache had kept it, whom it comes as."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from adapters.fetch import Access
from adapters.probes import http
from adapters.probes.http import HttpProbe
from backout import probes
from backout.errors import RejectedBySystem, Unreachable
from backout.messages import Answered, Cookie
from tests.adapters.pages import Serve

SESSION: dict[str, Any] = {"path": "session", "cookies": ["SRV"]}


class Service:
    """Answers what a test lets it answer, and keeps what came."""

    def __init__(self) -> None:
        self.headers: list[tuple[str, str]] = []
        self.body: Any = {"served": {"by": "r2"}, "all": [{"by": "r3"}]}
        self.status = 200
        self.came: list[web.Request] = []
        self.ports: set[int] = set()
        self.hangs = False

    async def answer(self, request: web.Request) -> web.Response:
        self.came.append(request)
        assert request.transport
        self.ports.add(request.transport.get_extra_info("peername")[1])
        if self.hangs:
            await asyncio.Event().wait()
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        response = web.Response(text=text, status=self.status, content_type="application/json")
        for name, value in self.headers:
            response.headers.add(name, value)
        return response


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def opened(serve: Serve, service: Service) -> AsyncIterator[Callable[..., HttpProbe]]:
    address = await serve(service.answer)
    found: list[HttpProbe] = []

    def start(*, token: str | None = None, at: str = "/", **config: Any) -> HttpProbe:  # noqa: ANN401  # any field
        where = {} if "release_header" in config else {"release_field": "served.by"}
        said = {"kind": "http", "url": f"{address}{at}", "timeout": "5s", **where, **config}
        found.append(HttpProbe("web", probes.HttpProbe.model_validate(said), Access(token=token)))
        return found[-1]

    yield start
    for probe in found:
        await probe.aclose()


async def ask(probe: HttpProbe, *cookies: Cookie) -> Answered:
    return await probe.ask(service="chat/x", session="backout-1", cookies=cookies)


@pytest.mark.parametrize(
    ("config", "release"),
    [({}, "r2"), ({"release_field": "all.0.by"}, "r3"), ({"release_header": "x-release"}, "r4")],
    ids=["a field", "a field in a list", "a header, however it is written"],
)
async def test_the_release_is_where_the_site_file_says(
    service: Service, opened: Callable[..., HttpProbe], config: dict[str, Any], release: str
) -> None:
    service.headers = [("X-Release", "r4")]
    assert (await ask(opened(**config))).release == release


async def test_an_error_that_names_its_release_is_an_answer_of_that_release(
    service: Service, opened: Callable[..., HttpProbe]
) -> None:
    service.status = 500
    assert (await ask(opened())).release == "r2"


@pytest.mark.parametrize(
    ("status", "body", "error", "told"),
    [
        (200, {"by": "r2"}, RejectedBySystem, "answered without a release in 'served.by'"),
        (200, {"served": {"by": ["r2"]}}, RejectedBySystem, "without a release"),
        (200, {"served": {"by": "  "}}, RejectedBySystem, "without a release"),
        (200, "[" * 100_000, RejectedBySystem, "without a release"),
        (200, f'{{"served": {{"by": {"9" * 5000}}}}}', RejectedBySystem, "without a release"),
        (503, {}, Unreachable, "answered 503"),
        (503, "[" * 100_000, Unreachable, "answered 503"),
        (401, {}, RejectedBySystem, "it asks for a token"),
        (302, {}, RejectedBySystem, "it redirects elsewhere, which is not followed"),
    ],
)
async def test_what_names_no_release_is_no_answer(
    service: Service,
    opened: Callable[..., HttpProbe],
    status: int,
    body: Any,  # noqa: ANN401  # what JSON holds
    error: type[Exception],
    told: str,
) -> None:
    service.status, service.body = status, body
    with pytest.raises(error, match=told):
        await ask(opened())


async def test_a_service_that_hangs_is_unreachable(
    service: Service, opened: Callable[..., HttpProbe]
) -> None:
    service.hangs = True
    with pytest.raises(Unreachable, match=r"probe web did not answer: no whole answer .* within 0.05 s"):
        await ask(opened(timeout="50ms"))


async def test_an_answer_that_is_too_large_is_refused(
    opened: Callable[..., HttpProbe], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "ANSWER_LIMIT", 10)
    with pytest.raises(RejectedBySystem, match="larger than 10 bytes"):
        await ask(opened())


async def test_a_name_is_bounded_and_has_no_line_ends(
    service: Service, opened: Callable[..., HttpProbe]
) -> None:
    service.body = {"served": {"by": "r2\n" + "x" * 500}}
    release = (await ask(opened())).release
    assert (release[:4], len(release)) == ("r2 x", http.LONGEST_NAME)


async def test_a_name_that_no_text_may_hold_still_travels(
    service: Service, opened: Callable[..., HttpProbe]
) -> None:
    service.body = '{"served": {"by": "r2\\ud800"}}'
    assert (await ask(opened())).model_dump_json()


@pytest.mark.parametrize(
    ("headers", "stale"),
    [
        ([], ""),
        ([("Age", "0"), ("Via", "1.1 edge"), ("X-Cache", "MISS")], ""),
        ([("Age", "12")], "Age: 12"),
        ([("Age", "9" * 5000)], f"Age: {'9' * 5000}"[:200]),
        (
            [("X-Cache", "Hit from cloudfront"), ("Via", "1.1 edge")],
            "x-cache: Hit from cloudfront, via: 1.1 edge",
        ),
        ([("CF-Cache-Status", "STALE")], "cf-cache-status: STALE"),
        ([("Cache-Status", "edge; hit; ttl=30")], "cache-status: edge; hit; ttl=30"),
        ([("Cache-Status", "edge; fwd=miss; stored")], ""),
        ([("X-Cache-Status", "HIT")], "x-cache-status: HIT"),
    ],
)
async def test_only_what_says_that_the_answer_was_kept_is_evidence_of_a_cache(
    service: Service, opened: Callable[..., HttpProbe], headers: list[tuple[str, str]], stale: str
) -> None:
    service.headers = headers
    assert (await ask(opened())).stale == stale


async def test_it_comes_as_the_session_with_the_headers_and_the_token_of_the_site(
    service: Service, opened: Callable[..., HttpProbe]
) -> None:
    probe = opened(at="/$service?u=$session", headers={"X-User": "u-$session"}, token="t0ken")
    await ask(probe)
    (request,) = service.came
    assert request.raw_path == "/chat%2Fx?u=backout-1"
    assert (request.headers["X-User"], request.headers["Authorization"]) == ("u-backout-1", "Bearer t0ken")
    assert "Cache-Control" not in request.headers, "a user would get what the cache has"


async def test_each_question_comes_as_a_new_client(
    service: Service, opened: Callable[..., HttpProbe]
) -> None:
    probe = opened()
    service.headers = [("Set-Cookie", "SRV=a")]
    for _ in range(3):
        assert (await ask(probe)).cookies == ()
    assert len(service.ports) == 3
    assert not any(request.cookies for request in service.came)


async def test_a_session_brings_the_named_cookies_of_the_answer_before(
    service: Service, opened: Callable[..., HttpProbe]
) -> None:
    probe = opened(**SESSION)
    service.headers = [("Set-Cookie", "SRV=r2|awFin; path=/; HttpOnly"), ("Set-Cookie", "login=s3cret")]
    said = await ask(probe)
    assert said.cookies == (Cookie(name="SRV", value="r2|awFin"),)
    service.headers = []
    assert (await ask(probe, *said.cookies)).cookies == said.cookies
    assert service.came[-1].headers["Cookie"] == "SRV=r2|awFin"


@pytest.mark.parametrize(
    "ended",
    ["SRV=; Max-Age=0", "SRV=x; Max-Age=-1", "SRV=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
)
async def test_a_cookie_that_the_service_takes_back_is_gone(
    service: Service, opened: Callable[..., HttpProbe], ended: str
) -> None:
    service.headers = [("Set-Cookie", ended)]
    assert (await ask(opened(**SESSION), Cookie(name="SRV", value="r2"))).cookies == ()


async def test_a_cookie_ends_when_it_was_said_to_and_is_not_sent_then(
    service: Service, opened: Callable[..., HttpProbe]
) -> None:
    probe = opened(**SESSION)
    service.headers = [("Set-Cookie", "SRV=r2; Max-Age=3600; Expires=Thu, 01 Jan 1970 00:00:00 GMT")]
    (cookie,) = (await ask(probe)).cookies
    assert cookie.until
    assert timedelta(minutes=59) < cookie.until - datetime.now(UTC) <= timedelta(hours=1)
    await ask(probe, cookie.model_copy(update={"until": datetime(2026, 1, 1, tzinfo=UTC)}))
    assert "Cookie" not in service.came[-1].headers


async def test_a_cookie_with_a_date_that_no_clock_has_lasts_as_long_as_the_session(
    service: Service, opened: Callable[..., HttpProbe]
) -> None:
    service.headers = [("Set-Cookie", f"SRV=r2; Expires=Thu, 01 Jan 1970 00:00:00 +{'9' * 30}")]
    assert (await ask(opened(**SESSION))).cookies == (Cookie(name="SRV", value="r2"),)


async def test_a_conversation_that_is_gone_is_answered_by_no_release(
    service: Service, opened: Callable[..., HttpProbe]
) -> None:
    service.status = 410
    assert (await ask(opened(**SESSION))).ended
    assert not (await ask(opened())).ended, "only a session has conversations"
