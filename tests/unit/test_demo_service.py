"""The demo's service, as a real process on loopback: who gets which release, and what it counts and keeps."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.fetch import Access
from adapters.targets.http import HttpTarget
from backout.errors import ExposureMoved, RejectedBySystem, UnknownName
from backout.exposure import Exposure
from demo import releases
from demo.monitoring import Look, look_at
from demo.traffic import Traffic

ROOT = Path(__file__).parents[2]
FLAGS = ROOT / "demo" / "flags.json"
TOKEN = "s3cret"
PATIENCE_S = 60


class Service:
    """The running service and the flag file that it follows."""

    def __init__(self, *, flags: Path, url: str, http: aiohttp.ClientSession) -> None:
        self.flags = flags
        self.url = url
        self._http = http

    def expose(self, percent: int) -> None:
        whole = json.loads(FLAGS.read_text())
        share = [["2026.11", percent], ["2026.10", 100 - percent]]
        whole["flags"]["chat-release"]["targeting"] = {"fractional": [{"var": "targetingKey"}, *share]}
        fresh = self.flags.with_suffix(".new")
        fresh.write_text(json.dumps(whole))
        fresh.replace(self.flags)

    async def ask(self, user: str, message: str = "Where do I send a bill?") -> tuple[int, str]:
        async with self._http.post(f"{self.url}/chat", json={"user": user, "message": message}) as answered:
            return answered.status, (await answered.json())["release"]

    async def ask_as_many(self, users: int) -> set[str]:
        """Ask once as each of so many users; return those who got the candidate."""
        names = [f"user-{number}" for number in range(users)]
        replies = await asyncio.gather(*(self.ask(name) for name in names))
        return {name for name, (_, release) in zip(names, replies, strict=True) if release == "2026.11"}

    async def spoil(self, **faults: float) -> None:
        async with self._http.put(f"{self.url}/faults/2026.11", json=faults) as answered:
            assert answered.status == 200

    async def get(self, path: str) -> dict[str, int]:
        found: dict[str, int] = await self._get(path)
        return found

    async def _get(self, path: str) -> Any:  # noqa: ANN401  # any JSON
        async with self._http.get(self.url + path) as answered:
            return await answered.json()

    async def counts(self) -> Look:
        async with self._http.get(f"{self.url}/metrics") as answered:
            return look_at(await answered.text())

    async def prompts(self) -> set[str]:
        """Return whose prompts 40 users get."""
        found = [await self._get(f"/release?user=user-{number}") for number in range(40)]
        return {one["prompt"] for one in found}

    async def refusal(self, method: str, path: str, body: str = "") -> tuple[int, str]:
        async with self._http.request(method, self.url + path, data=body) as answered:
            return answered.status, await answered.text()


@asynccontextmanager
async def registry(service: Service, token: str = TOKEN) -> AsyncIterator[HttpTarget]:
    """Open the service's prompt registry as a target."""
    url = f"{service.url}/prompts/live/$release"
    target = HttpTarget(url, timedelta(seconds=30), Access(token=token))
    try:
        yield target
    finally:
        await target.aclose()


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await true():  # noqa: ASYNC110  # another process has no event to wait for
            await asyncio.sleep(0.02)


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    flags, port = tmp_path / "flags.json", tmp_path / "port"
    flags.write_text(FLAGS.read_text())
    token = tmp_path / "token"
    token.write_text(TOKEN)
    command = ["-m", "demo.service", "--flags", str(flags), "--port-file", str(port)]
    command += ["--registry-token", str(token)]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT)
    try:

        async def written() -> bool:
            return port.exists()

        await until(written)
        async with aiohttp.ClientSession() as http:
            yield Service(flags=flags, url=f"http://127.0.0.1:{port.read_text()}", http=http)
    finally:
        process.terminate()
        await process.wait()


async def test_the_flag_file_decides_how_many_of_its_users_get_the_candidate(service: Service) -> None:
    await service.ask_as_many(400)
    at_first = await service.get("/served?release=2026.11&users=400")
    assert at_first["users"] == 400
    assert 190 < at_first["on_release"] < 290
    service.expose(0)

    async def nobody() -> bool:
        return (await service.get("/served?release=2026.11&users=400"))["on_release"] == 0

    await until(nobody)
    assert (await service.get("/served?release=2026.10&users=400"))["on_release"] == 400


async def test_a_user_keeps_the_release_as_exposure_falls_until_it_is_taken_off(service: Service) -> None:
    before = await service.ask_as_many(200)
    service.expose(25)

    async def fewer() -> bool:
        return (await service.get("/served?release=2026.11&users=200"))["on_release"] < len(before)

    await until(fewer)
    assert await service.ask_as_many(200) < before


async def test_the_prompt_cache_drops_the_candidates_prompts_as_the_alias_leaves_it(
    service: Service,
) -> None:
    await service.ask_as_many(40)
    assert (await service.get("/cache?release=2026.11"))["entries"] == 1
    async with registry(service) as prompts:
        await put(prompts, 0, "down")
    assert (await service.get("/cache?release=2026.11"))["entries"] == 0
    await service.ask_as_many(40)
    assert (await service.get("/cache?release=2026.10"))["entries"] == 1


async def test_the_prompts_alias_flips_for_everybody_and_whatever_model_they_get(service: Service) -> None:
    assert await service.prompts() == {"2026.11"}
    async with registry(service) as prompts:
        assert (await prompts.read(service="chat", release="2026.11")).percent == 100
        done = await put(prompts, 0, "down")
        assert (done.percent, done.changed_by) == (0, "down")
        assert await service.prompts() == {"2026.10"}
        await put(prompts, 100, "up", expected=done.generation)
        assert await service.prompts() == {"2026.11"}


async def test_the_prompt_registry_keeps_the_contract_of_http_targets(service: Service) -> None:
    async with registry(service) as prompts, registry(service, token="wrong") as stranger:
        first = await put(prompts, 0, "down")
        await put(prompts, 100, "up")
        assert (await put(prompts, 0, "down")).percent == 100
        with pytest.raises(RejectedBySystem, match="the key has set something else"):
            await put(prompts, 100, "down")
        with pytest.raises(ExposureMoved):
            await put(prompts, 0, "again", expected=first.generation)
        with pytest.raises(RejectedBySystem, match="50 % cannot be set"):
            await put(prompts, 50, "half")
        with pytest.raises(UnknownName, match=r"'2026\.9'\. Known: 2026\.10, 2026\.11"):
            await prompts.read(service="chat", release="2026.9")
        with pytest.raises(RejectedBySystem, match="401"):
            await put(stranger, 0, "k")
    assert await service.prompts() == {"2026.11"}


async def put(prompts: HttpTarget, percent: int, key: str, *, expected: str = "") -> Exposure:
    return await prompts.set(service="chat", release="2026.11", percent=percent, key=key, expected=expected)


async def test_every_count_is_there_from_the_start(service: Service) -> None:
    counters = ("requests", "errors", "judged", "unsafe", "severe", "unsupported")
    everything = {(f"chat_{name}_total", release): 0.0 for name in counters for release in releases.RELEASES}
    assert await service.counts() == everything


async def test_a_release_gone_bad_fails_and_is_counted_so(service: Service) -> None:
    await service.spoil(errors=1.0)
    service.expose(100)

    async def fails() -> bool:
        return (await service.ask("anna")) == (500, "2026.11")

    await until(fails)
    counted = await service.counts()
    assert counted["chat_errors_total", "2026.11"] > 0
    assert counted["chat_judged_total", "2026.10"] + counted["chat_errors_total", "2026.11"] <= sum(
        counted["chat_requests_total", release] for release in releases.RELEASES
    )


@pytest.mark.parametrize("label", ["unsafe", "severe", "unsupported"])
async def test_a_bad_answer_is_judged_so(service: Service, label: str) -> None:
    await service.spoil(**{label: 1.0})
    await service.ask_as_many(20)
    counted = await service.counts()
    assert counted[f"chat_{label}_total", "2026.11"] == counted["chat_judged_total", "2026.11"] > 0
    assert counted["chat_errors_total", "2026.11"] == 0


async def test_traffic_sees_what_the_users_see(service: Service) -> None:
    traffic = await replies_to(service.url, at_least=60)
    assert 30 < (traffic.seen(last_s=10).candidate_percent or 0) < 90
    assert traffic.seen(last_s=0).replies == 0
    await service.spoil(errors=1.0)
    seen = (await replies_to(service.url, at_least=20)).seen(last_s=10)
    assert seen.error_percent == seen.candidate_percent


async def replies_to(url: str, *, at_least: int) -> Traffic:
    traffic = Traffic(url=url, per_second=200)
    while traffic.seen(last_s=10).replies < at_least:
        await traffic.run(lasting_s=0.2)
    return traffic


async def test_what_the_users_saw_lately_is_taken_over_as_long_as_it_takes_to_make_a_rate(
    service: Service,
) -> None:
    traffic = Traffic(url=service.url, per_second=20)
    running = asyncio.create_task(traffic.run(lasting_s=PATIENCE_S))
    try:
        assert (await traffic.enough(last_s=0.1, replies=8)).replies >= 8
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_traffic_to_nobody_is_all_errors_and_none_of_it_the_candidates() -> None:
    traffic = await replies_to("http://127.0.0.1:9", at_least=1)
    seen = traffic.seen(last_s=60)
    assert (seen.error_percent, seen.on_candidate) == (100.0, 0)
    assert Traffic(url="http://127.0.0.1:9").seen(last_s=60).error_percent is None


async def test_a_request_that_makes_no_sense_is_told_why(service: Service) -> None:
    nameless = "user: String should have at least 1 character"
    problems = [
        ("POST", "/chat", '{"user": "anna"}', (422, "message: Field required")),
        ("POST", "/chat", '{"user": "", "message": "x"}', (422, nameless)),
        ("GET", "/cache?release=2026.9", "", (404, "unknown release '2026.9'. Known: 2026.10, 2026.11")),
        ("GET", "/served?release=2026.11&users=many", "", (422, "users: write a whole number")),
        ("PUT", "/faults/2026.11", '{"errors": 2}', (422, "errors: Input should be less than or equal to 1")),
    ]
    for method, path, body, problem in problems:
        assert await service.refusal(method, path, body) == problem
