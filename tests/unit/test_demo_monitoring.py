"""The demo's stand-in for Prometheus and Alertmanager: when it fires, and what it puts on the wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from backout.alerts import Alert
from backout.senders.alertmanager import parse_alertmanager
from demo.monitoring import RULES, AlertRule, Episode, Look, Monitoring, look_at, rate_of, webhook_of
from tests.unit.demo_world import served

ERRORS = RULES[0]


def look(requests: float, errors: float) -> Look:
    return {("chat_requests_total", "2026.11"): requests, ("chat_errors_total", "2026.11"): errors}


class Doors:
    """A service's metrics page and a gateway's webhook in one; the gateway can refuse."""

    def __init__(self) -> None:
        self.requests = 0
        self.error_share = 0.0
        self.errors = 0.0
        self.status = 202
        self.bodies: list[bytes] = []
        self.presented: set[str] = set()
        self.came = asyncio.Condition()

    async def metrics(self, _: Request) -> Response:
        self.requests += 100
        self.errors += 100 * self.error_share
        counters = {"requests": self.requests, "errors": self.errors, "judged": self.requests - self.errors}
        lines = [f'chat_{name}_total{{release="2026.11"}} {count}' for name, count in counters.items()]
        lines += [f'chat_{name}_total{{release="2026.11"}} 0' for name in ("unsafe", "unsupported")]
        async with self.came:
            self.came.notify_all()
        return PlainTextResponse("\n".join(lines) + "\n")

    async def webhook(self, request: Request) -> Response:
        async with self.came:
            self.bodies.append(await request.body())
            self.presented.add(request.headers["authorization"])
            self.came.notify_all()
        return PlainTextResponse("no such route", self.status)

    async def until(self, true: Callable[[], bool]) -> None:
        async with self.came, asyncio.timeout(60):
            await self.came.wait_for(true)

    async def pass_looks(self, looks: int) -> None:
        """Wait until the metrics page was looked at so many times more."""
        before = self.requests
        await self.until(lambda: self.requests >= before + 100 * looks)


def newest(doors: Doors) -> Alert:
    return parse_alertmanager(doors.bodies[-1])[0]


@asynccontextmanager
async def open_to(doors: Doors) -> AsyncIterator[str]:
    app = Starlette(
        routes=[Route("/metrics", doors.metrics), Route("/alerts", doors.webhook, methods=["POST"])]
    )
    async with served(app) as url:
        yield url


@pytest.fixture
async def monitored() -> AsyncIterator[tuple[Doors, Monitoring]]:
    doors = Doors()
    async with open_to(doors) as url:
        monitoring = Monitoring(
            metrics=f"{url}/metrics",
            webhook=f"{url}/alerts",
            token="s3cret",
            look_every_s=0.01,
            repeat_every_s=0.01,
        )
        running = asyncio.create_task(monitoring.run())
        yield doors, monitoring
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_a_rate_is_the_bad_share_of_what_came_between_two_looks() -> None:
    assert rate_of(ERRORS, "2026.11", first=look(100, 10), last=look(200, 30)) == pytest.approx(0.2)


def test_too_few_outputs_make_no_rate() -> None:
    assert rate_of(ERRORS, "2026.11", first=look(100, 10), last=look(129, 30)) is None


def test_only_counters_of_a_release_are_read_from_the_page() -> None:
    page = 'chat_x_total{release="2026.11"} 3\nchat_x_created{release="2026.11"} 9\nother_total 4\n'
    assert look_at(page) == {("chat_x_total", "2026.11"): 3.0}


def test_an_alert_on_the_wire_is_one_that_the_gateway_reads() -> None:
    episode = Episode(AlertRule("Bad", "b", "o", 0.1, "requests fail"), "2026.11", 0.25, datetime.now(UTC))
    assert episode.as_sent()["endsAt"] == "0001-01-01T00:00:00Z"  # Alertmanager's way to say "not yet"
    (alert,) = parse_alertmanager(json.dumps(webhook_of([episode])).encode())
    assert (alert.name, alert.status, alert.starts_at) == ("Bad", "firing", episode.starts_at)
    assert alert.summary == "25 % of 2026.11's requests fail"
    assert (alert.labels["service"], alert.labels["release"]) == ("chat", "2026.11")


async def test_a_breach_is_told_again_and_again_with_the_token_until_it_is_resolved_once(
    monitored: tuple[Doors, Monitoring],
) -> None:
    doors, monitoring = monitored
    await doors.until(lambda: doors.requests > 1000)
    assert doors.bodies == []
    doors.error_share = 0.3
    await doors.until(lambda: len(doors.bodies) > 4)
    doors.error_share = 0.0
    await doors.until(lambda: newest(doors).status == "resolved")
    await doors.pass_looks(10)
    assert doors.presented == {"Bearer s3cret"}
    alerts = [parse_alertmanager(body)[0] for body in doors.bodies]
    assert {alert.episode for alert in alerts} == {newest(doors).episode}
    assert [alert.status for alert in alerts].count("resolved") == 1
    assert monitoring.sent == len(alerts)


async def test_news_that_the_gateway_could_not_take_is_told_until_it_is_taken(
    monitored: tuple[Doors, Monitoring],
) -> None:
    doors, _ = monitored
    doors.error_share = 0.3
    await doors.until(lambda: len(doors.bodies) > 0)
    doors.status = 503
    doors.error_share = 0.0
    await doors.until(lambda: newest(doors).status == "resolved")
    refused = len(doors.bodies)
    await doors.until(lambda: len(doors.bodies) > refused)
    assert newest(doors).status == "resolved"


async def test_a_webhook_that_is_refused_is_sent_again_and_its_reason_is_kept(
    monitored: tuple[Doors, Monitoring],
) -> None:
    doors, monitoring = monitored
    doors.status = 503
    doors.error_share = 0.3
    await doors.until(lambda: len(doors.bodies) > 2)
    assert monitoring.sent == 0
    assert monitoring.refused == "HTTP 503: no such route"
    doors.status = 202
    refused = len(doors.bodies)
    await doors.until(lambda: len(doors.bodies) > refused + 1)
    assert (monitoring.sent > 0, monitoring.refused) == (True, "")
