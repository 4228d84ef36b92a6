"""Everybody who is called gets a message of their own; whom it does not reach is named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from adapters.channels.slack_direct import SlackDirect
from backout.errors import RejectedBySystem
from backout.messages import Message
from backout.people import Person
from demo.slack.server import BOT_TOKEN, FakeSlack

ANN, BEN = Person(name="Ann", slack="U01ANN"), Person(name="Ben", slack="U01BEN")
NO_ID, GONE = Person(name="Cleo"), Person(name="Dan", slack="U01GONE")
PAGE = Message(title="Bad", text="errors", thread="C01INC:1700000000.000001")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack's SDK would ask a proxy for loopback too."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    slack = FakeSlack(members={"U01ANN": "ann", "U01BEN": "ben"})
    yield slack
    await slack.close()


@pytest.fixture
async def direct(slack: FakeSlack) -> AsyncIterator[SlackDirect]:
    direct = SlackDirect(BOT_TOKEN, await slack.start(), timedelta(seconds=30))
    yield direct
    await direct.aclose()


async def test_everybody_gets_a_message_of_their_own_outside_of_any_thread(
    slack: FakeSlack, direct: SlackDirect
) -> None:
    posted = await direct.post(message=PAGE, people=(ANN, BEN))
    assert sorted(call["channel"] for _, call in slack.calls) == ["U01ANN", "U01BEN"]
    assert not [call for _, call in slack.calls if "thread_ts" in call]
    assert sorted(ref.partition(":")[0][1:] for ref in posted.ref.split()) == ["01ANN", "01BEN"]


async def test_everybodys_message_is_brought_up_to_date(slack: FakeSlack, direct: SlackDirect) -> None:
    posted = await direct.post(message=PAGE, people=(ANN, BEN))
    await direct.update(ref=posted.ref, message=Message(title="Owned by Ben", text=""))
    updated = [call for method, call in slack.calls if method == "chat.update"]
    assert {f"{call['channel']}:{call['ts']}" for call in updated} == set(posted.ref.split())


async def test_whom_it_does_not_reach_is_named_and_the_others_are_called(
    slack: FakeSlack, direct: SlackDirect
) -> None:
    posted = await direct.post(message=PAGE, people=(NO_ID, GONE, ANN))
    assert [call["channel"] for _, call in slack.calls] == ["U01ANN"]
    first, second = posted.unreached
    assert first == "Cleo (no Slack member id)"
    assert second.startswith("Dan (Slack channel U01GONE refused: channel_not_found")


@pytest.mark.parametrize(
    ("people", "why"),
    [
        ((), "the message calls nobody"),
        ((NO_ID,), r"Cleo \(no Slack member id\)"),
        ((NO_ID, GONE), "channel_not_found"),
    ],
    ids=["nobody is called", "nobody has an id", "Slack knows nobody"],
)
async def test_a_message_that_reaches_nobody_is_an_error(
    direct: SlackDirect, people: tuple[Person, ...], why: str
) -> None:
    with pytest.raises(RejectedBySystem, match=why):
        await direct.post(message=PAGE, people=people)
