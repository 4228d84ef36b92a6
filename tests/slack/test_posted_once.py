"""A message whose answer was lost is found and not posted again; where we may not look, it is told twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.channels.slack import SlackWeb
from adapters.memory import MemoryClock
from backout.errors import MessageGone, RateLimited, RejectedBySystem, Unreachable
from backout.messages import Message
from demo.slack.faults import Fault
from demo.slack.server import BOT_TOKEN, FakeSlack
from tests.slack.conftest import Open

TOP = Message(title="T", text="t", key="incident/chat/r2@run/top")
AGAIN = TOP.model_copy(update={"again": True, "text": "newer words"})
READS = ("conversations.history", "conversations.replies")


def lose_one(slack: FakeSlack) -> None:
    slack.faults.on.append(Fault("loses its answer", times=1, methods=("chat.postMessage",)))


async def test_a_message_that_is_there_already_is_found_by_its_key(slack: FakeSlack, room: Open) -> None:
    lose_one(slack)
    channel = room()
    with pytest.raises(Unreachable):
        await channel.post(message=TOP, people=())
    posted = await channel.post(message=AGAIN, people=())
    (there,) = slack.rooms.messages
    assert posted.ref == there.ref


async def test_an_answer_in_a_thread_is_found_there_among_many(slack: FakeSlack, room: Open) -> None:
    channel = room()
    top = await channel.post(message=TOP, people=())
    news = Message(title="", text="n", key="news/1", thread=top.ref)
    lose_one(slack)
    with pytest.raises(Unreachable):
        await channel.post(message=news, people=())
    for number in range(210):
        slack.rooms.post("C01INC", str(number), [], thread_ts=top.ref.partition(":")[2])
    count = len(slack.rooms.messages)
    await channel.post(message=news.model_copy(update={"again": True}), people=())
    assert len(slack.rooms.messages) == count


async def test_another_message_and_one_without_a_key_are_posted(slack: FakeSlack, room: Open) -> None:
    channel = room()
    for key in ("a", "b", "", ""):
        await channel.post(message=Message(title="T", text="t", key=key, again=True), people=())
    assert len(slack.rooms.messages) == 4


async def test_a_direct_message_is_found_in_the_conversation_with_its_member(
    slack: FakeSlack, room: Open
) -> None:
    lose_one(slack)
    alice = room("U01ALICE")
    with pytest.raises(Unreachable):
        await alice.post(message=TOP, people=())
    assert (await alice.post(message=AGAIN, people=())).ref == slack.rooms.messages[0].ref


async def test_where_the_app_may_not_look_it_is_told_twice_rather_than_not(
    slack: FakeSlack, room: Open
) -> None:
    channel = room()
    await channel.post(message=TOP, people=())
    slack.faults.on.append(Fault("refuses", error="missing_scope", methods=READS))
    await channel.post(message=AGAIN, people=())
    assert len(slack.rooms.messages) == 2


async def test_while_it_cannot_be_seen_nothing_is_posted(slack: FakeSlack, room: Open) -> None:
    slack.faults.on.append(Fault("limited", retry_after="7", methods=READS))
    with pytest.raises(RateLimited) as limited:
        await room().post(message=AGAIN, people=())
    assert (limited.value.retry_after_s, slack.rooms.messages) == (7, [])


async def test_what_is_older_than_an_hour_is_not_looked_at(slack: FakeSlack) -> None:
    clock = MemoryClock()
    channel = SlackWeb(BOT_TOKEN, "C01INC", f"{slack.address}/api/", clock=clock)
    await channel.post(message=TOP, people=())
    posted_at = float(slack.rooms.messages[0].ts)
    await clock.sleep(duration=timedelta(seconds=posted_at - clock.now().timestamp(), hours=1, minutes=1))
    await channel.post(message=AGAIN, people=())
    assert len(slack.rooms.messages) == 2
    await channel.aclose()


async def test_a_message_that_somebody_deleted_is_gone_and_any_other_refusal_is_not(
    slack: FakeSlack, room: Open
) -> None:
    channel = room()
    with pytest.raises(MessageGone, match=r"has no message C01INC:1\.1 any more"):
        await channel.update(ref="C01INC:1.1", message=TOP)
    slack.faults.on.append(Fault("refuses", error="cant_update_message"))
    with pytest.raises(RejectedBySystem, match="posted by somebody else") as refused:
        await channel.update(ref="C01INC:1.1", message=TOP)
    assert not isinstance(refused.value, MessageGone)
