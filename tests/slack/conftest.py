from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import TypeAlias

import pytest

from adapters.channels.slack import SlackWeb
from demo.slack.server import BOT_TOKEN, FakeSlack

Open: TypeAlias = Callable[..., SlackWeb]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack's SDK would ask a proxy for loopback too."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    slack = FakeSlack(groups={"S01ONCALL": ["U01ALICE", "U02BOB"]})
    await slack.start()
    yield slack
    await slack.close()


@pytest.fixture
async def room(slack: FakeSlack) -> AsyncIterator[Open]:
    """Open channels of the fake Slack."""
    opened: list[SlackWeb] = []

    def start(name: str = "C01INC") -> SlackWeb:
        opened.append(SlackWeb(BOT_TOKEN, name, f"{slack.address}/api/", timedelta(seconds=30)))
        return opened[-1]

    yield start
    for one in opened:
        await one.aclose()
