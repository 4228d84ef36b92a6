"""What Slack took without a word is not told twice, and what it does not take can be seen elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from temporalio.client import Client

from adapters.channels.slack import SlackWeb
from adapters.memory import MemoryWorld
from backout.commands import status_text
from demo.slack.faults import Fault
from demo.slack.server import BOT_TOKEN, FakeSlack
from tests.workflows.engine import Engine, running
from tests.workflows.playbooks import DETECT, ESCALATE, POSTMORTEM, REVERT, playbook, rules


@asynccontextmanager
async def in_slack(client: Client) -> AsyncIterator[tuple[Engine, FakeSlack]]:
    """Run a worker whose room is a channel of the fake Slack."""
    slack = FakeSlack()
    room = SlackWeb(BOT_TOKEN, "C01INC", await slack.start())
    world = MemoryWorld()
    world.channel = room  # type: ignore[assignment]  # the channels of a world are of any kind
    async with running(client, world) as engine:
        try:
            yield engine, slack
        finally:
            await room.aclose()
            await slack.close()


def news_in(slack: FakeSlack) -> list[str]:
    """Return the lines of all answers below the top message."""
    return [line for one in slack.rooms.messages if one.thread_ts for line in one.words.splitlines()]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


async def test_news_whose_answer_was_lost_are_not_told_again_with_newer_ones(skipping: Client) -> None:
    async with in_slack(skipping) as (engine, slack):
        lost = Fault("loses its answer", times=1, methods=("chat.postMessage",))
        # What is posted right after the top message, whatever step it names, are the news.
        slack.rooms.watchers.append(
            lambda told: slack.faults.on.append(lost) if told.text.startswith("CRITICAL: chat r2: ") else None
        )
        asking = rules("approve", approve_by=["commander"])
        # The second level is paged while the news wait to be told again.
        quick = {"model": [{"page": ["on_call"], "wait": "3s"}, {"page": ["commander"], "wait": "5m"}]}
        incident = await engine.open(playbook(DETECT, ESCALATE, REVERT, rules=asking, escalation=quick))
        await incident.until(lambda view: "Paged Bob" in "\n".join(news_in(slack)) and not view.untold)
    news = news_in(slack)
    assert lost.times == 0
    assert len(news) == len(set(news))


async def test_lost_answers_leave_one_top_message_and_every_event_once_below_it(skipping: Client) -> None:
    async with in_slack(skipping) as (engine, slack):
        slack.faults.on.append(Fault("loses its answer", times=3, methods=("chat.postMessage",)))
        incident = await engine.open(playbook(DETECT, POSTMORTEM))
        await incident.result()
        timeline = (await incident.view()).timeline
    tops = [message for message in slack.rooms.messages if message.thread_ts is None]
    news = news_in(slack)
    assert [top.edits > 0 for top in tops] == [True]
    assert len(news) == len(set(news)) == len(timeline)


async def test_while_slack_takes_nothing_the_incident_says_that_nobody_was_told(waiting: Client) -> None:
    async with in_slack(waiting) as (engine, slack):
        slack.faults.on.append(Fault("refuses", error="is_archived"))
        asking = rules("approve", approve_by=["commander"])
        incident = await engine.open(playbook(DETECT, ESCALATE, REVERT, POSTMORTEM, rules=asking))
        view = await incident.until(lambda view: view.untold and view.stakes.unsent)
        assert "The news are not told yet: Slack channel C01INC refused: is_archived" in status_text(view)
        assert f"Not sent: {view.stakes.unsent[0]}" in status_text(view)
