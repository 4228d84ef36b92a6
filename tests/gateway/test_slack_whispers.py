"""What came of a tap is told to whoever tapped, again where Slack did not take it, and never for ever."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from prometheus_client import CollectorRegistry

from backout.errors import BackoutError, RateLimited, RejectedBySystem, Unreachable
from backout.messages import Button
from gateway.metrics import Metrics
from gateway.slack_answers import PAUSES_S, Answer, Whispers

ANSWER = Answer(whisper="chat/r2: <held>", to="https://hooks.slack.com/x")
DOWN = Unreachable(what="Slack", why="it answered 503")
LIMITED = RateLimited(what="Slack", retry_after_s=0.01)
GONE = RejectedBySystem(what="Slack", why="used_url")


class Failing:
    """A Slack that fails so often, and then takes what it is told."""

    def __init__(self, failures: Iterable[BackoutError]) -> None:
        self.failures = list(failures)
        self.heard: list[tuple[str, str]] = []
        self.asked = 0

    async def open_form(self, *, trigger: str, button: Button, respond_to: str) -> None:
        """Open nothing."""

    async def members_of(self, *, group: str) -> tuple[str, ...]:  # noqa: ARG002  # the port's
        """Know nobody."""
        return ()

    async def respond(self, *, url: str, text: str) -> None:
        """Fail, or take it."""
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)
        self.heard.append((url, text))


@pytest.mark.parametrize(
    ("failures", "asked", "result"),
    [
        ([], 1, "told"),
        ([DOWN, LIMITED], 3, "told"),
        ([DOWN] * 3, 4, "told"),
        ([DOWN] * 9, 4, "lost"),
        ([GONE], 1, "lost"),
    ],
    ids=["at once", "at the third try", "at the last try", "never", "nobody is there any more"],
)
async def test_a_receipt_is_tried_a_few_times(
    failures: list[BackoutError], asked: int, result: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(PAUSES_S) + 1 <= 5, "Slack takes five answers to one tap"
    monkeypatch.setattr("gateway.slack_answers.PAUSES_S", (0.0,) * len(PAUSES_S))
    slack, registry = Failing(failures), CollectorRegistry()
    whispers = Whispers(slack, Metrics(registry))
    whispers.say(ANSWER)
    await whispers.aclose()
    assert slack.asked == asked
    assert slack.heard == ([(ANSWER.to, "chat/r2: &lt;held&gt;")] if result == "told" else [])
    assert registry.get_sample_value("backout_slack_whispers_total", {"result": result}) == 1


async def test_a_gateway_that_stops_does_not_wait_for_a_slack_that_is_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.slack_answers.CLOSE_S", 0.0)
    slack = Failing([DOWN] * 9)
    whispers = Whispers(slack, Metrics(CollectorRegistry()))
    whispers.say(ANSWER)
    await whispers.aclose()
    assert slack.asked <= 1


async def test_where_there_is_nothing_to_say_or_nobody_to_hear_it_slack_is_let_be() -> None:
    slack = Failing([])
    whispers = Whispers(slack, Metrics(CollectorRegistry()))
    whispers.say(Answer(whisper="text"))
    whispers.say(Answer(to="https://hooks.slack.com/x"))
    await whispers.aclose()
    assert slack.asked == 0
