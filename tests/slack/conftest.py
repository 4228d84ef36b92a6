from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from demo.slack.server import FakeSlack


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
