from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any, TypeAlias

import pytest

from adapters.channels.slack import SlackWeb
from backout.errors import RateLimited, RejectedBySystem, Unreachable
from backout.messages import Message, Posted
from backout.people import Action, Person
from demo.slack.faults import Fault
from demo.slack.server import BOT_TOKEN, FakeSlack

Open: TypeAlias = Callable[..., SlackWeb]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack's SDK would ask a proxy for loopback too."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    slack = FakeSlack()
    yield slack
    await slack.close()


@pytest.fixture
async def channel(slack: FakeSlack) -> AsyncIterator[Open]:
    api = await slack.start()
    opened: list[SlackWeb] = []

    def start(name: str = "C01INC", *, token: str = BOT_TOKEN, timeout_s: float = 30) -> SlackWeb:
        opened.append(SlackWeb(token, name, api, timedelta(seconds=timeout_s)))
        return opened[-1]

    yield start
    for one in opened:
        await one.aclose()


def texts(call: dict[str, Any]) -> list[str]:
    return [
        block["elements"][0]["text"] if "elements" in block else block["text"]["text"]
        for block in call["blocks"]
    ]


async def post(channel: SlackWeb, *people: Person, **fields: Any) -> Posted:  # noqa: ANN401  # a Message's
    return await channel.post(message=Message(**{"title": "T", "text": "t"} | fields), people=people)


async def test_a_message_is_header_mentions_text_and_commands(slack: FakeSlack, channel: Open) -> None:
    actions = (Action.ACKNOWLEDGE, Action.REJECT)
    people = (Person(name="Alice", slack="U01ALICE"), Person(name="Bob <&> Co"))
    text = "*Held:* 2 &lt; 3 <http://ui|here>"
    posted = await post(
        channel(),
        *people,
        title="Bad",
        text=text,
        actions=actions,
        code="4f1a2b3c",
        incident="incident/chat/r2",
    )
    ((method, call),) = slack.calls
    assert posted == Posted(ref=slack.rooms.messages[0].ref)
    assert (method, call["channel"]) == ("chat.postMessage", "C01INC")
    assert call["text"] == "<@U01ALICE> Bob &lt;&amp;&gt; Co Bad"
    assert [block["type"] for block in call["blocks"]] == ["header", "section", "section", "context"]
    assert texts(call) == [
        "Bad",
        "<@U01ALICE> Bob &lt;&amp;&gt; Co",
        text,
        "Answer with:\n`/backout ack chat/r2`\n`/backout reject chat/r2 4f1a2b3c &lt;reason&gt;`",
    ]
    assert "thread_ts" not in call


async def test_an_answer_goes_below_the_message_that_it_names(slack: FakeSlack, channel: Open) -> None:
    room = channel()
    top = await post(room)
    await post(room, title="", text="Step detect started", thread=top.ref)
    _, call = slack.calls[1]
    assert (call["channel"], call["thread_ts"]) == ("C01INC", slack.rooms.messages[0].ts)
    assert texts(call) == ["Step detect started"]
    assert call["text"] == "Step detect started"


async def test_an_update_replaces_the_message(slack: FakeSlack, channel: Open) -> None:
    room = channel()
    top = await post(room)
    await room.update(ref=top.ref, message=Message(title="Now", text="*Exposure:* 0 %"))
    method, call = slack.calls[1]
    assert (method, call["channel"], call["ts"]) == ("chat.update", "C01INC", slack.rooms.messages[0].ts)
    assert texts(call) == ["Now", "*Exposure:* 0 %"]


async def test_the_connection_is_kept_for_the_next_message(slack: FakeSlack, channel: Open) -> None:
    room = channel()
    for _ in range(3):
        await post(room)
    assert len(slack.peers) == 1


async def test_a_message_without_words_is_still_one_that_slack_takes(slack: FakeSlack, channel: Open) -> None:
    await post(channel(), title="", text=" \n")
    ((_, call),) = slack.calls
    assert (call["blocks"], bool(call["text"])) == ([], True)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a line of the timeline, as long as they are\n" * 2000, id="many lines"),
        pytest.param("word " * 20_000, id="one line of words"),
        pytest.param("x" * 100_000, id="one word"),
        pytest.param("xx" + "&lt;" * 25_000, id="escapes only"),
        pytest.param("\n\n\n" * 10_000 + "end", id="hardly anything but line breaks"),
    ],
)
async def test_a_long_message_is_cut_with_a_note_and_never_lost(
    slack: FakeSlack, channel: Open, text: str
) -> None:
    people = [Person(name=f"Person {number}", slack=f"U{number:09}") for number in range(500)]
    actions = tuple(Action)
    await post(
        channel(),
        *people,
        title="&amp;" * 99,
        text=text,
        actions=actions,
        incident="incident/chat/" + "r" * 128,
    )
    ((_, call),) = slack.calls
    header, mentions, *parts, _commands = texts(call)
    assert header == "&amp;" * 29 + "…"
    assert mentions.endswith("> …")
    assert "more characters are cut here" in parts[-1]
    assert sum(map(len, texts(call))) < 12_000
    assert all("&" not in part[-3:] for part in parts)


async def test_a_text_of_several_sections_loses_nothing(slack: FakeSlack, channel: Open) -> None:
    lines = [f"line {number} " + "x" * 60 for number in range(100)]
    await post(channel(), text="\n".join(lines))
    ((_, call),) = slack.calls
    _title, *parts = texts(call)
    assert len(parts) == 3
    assert "\n".join(parts).split("\n") == lines


@pytest.mark.parametrize(("retry_after", "pause_s"), [("30", 30), (None, 1), ("soon", 1), ("0", 1), ("٣", 1)])
async def test_a_limit_is_told_with_the_pause_that_slack_asks_for(
    slack: FakeSlack, channel: Open, retry_after: str | None, pause_s: float
) -> None:
    slack.faults.on.append(Fault("limited", retry_after=retry_after))
    with pytest.raises(
        RateLimited, match=f"Slack channel C01INC takes no more messages for {pause_s} s"
    ) as limited:
        await post(channel())
    assert limited.value.retry_after_s == pause_s


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"status": 500, "text": "oops", "content_type": "text/html"}, id="a failure in HTML"),
        pytest.param({"status": 503, "text": "oops"}, id="a failure in text"),
        pytest.param({"status": 500, "text": "{", "content_type": "application/json"}, id="broken JSON"),
        pytest.param(
            {"status": 200, "text": "<p>log in</p>", "content_type": "text/html"}, id="a page to log in"
        ),
        pytest.param(
            {
                "status": 200,
                "text": '{"ok": false, "error": "internal_error"}',
                "content_type": "application/json",
            },
            id="a failure that passes",
        ),
    ],
)
async def test_a_failure_of_slacks_own_is_unreachable_and_not_repeated(
    slack: FakeSlack, channel: Open, fault: dict[str, Any]
) -> None:
    slack.faults.on.append(Fault("answers", **fault))
    with pytest.raises(Unreachable, match="Slack channel C01INC did not answer: it"):
        await post(channel())
    assert slack.requests == 1


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"error": "not_in_channel"}, r"not_in_channel: the bot is not in the channel; type /invite"),
        ({"error": "is_archived"}, "is_archived: the channel is archived"),
        (
            {"error": "missing_scope", "needed": "chat:write"},
            r"missing_scope: the app lacks a scope; .* \(needed: chat:write\)",
        ),
        ({"error": "something_new"}, "refused: something_new. Trying again will not help"),
    ],
)
async def test_a_refusal_says_what_to_do(
    slack: FakeSlack, channel: Open, answer: dict[str, str], why: str
) -> None:
    slack.faults.on.append(Fault("answers", text=json.dumps({"ok": False, **answer})))
    with pytest.raises(RejectedBySystem, match=why):
        await post(channel())


async def test_a_wrong_token_or_channel_is_refused(channel: Open) -> None:
    with pytest.raises(RejectedBySystem, match="invalid_auth: the token is not valid"):
        await post(channel(token="xoxb-old"))
    with pytest.raises(RejectedBySystem, match="channel_not_found: the bot sees no such channel"):
        await post(channel("C02GONE"))


async def test_the_token_is_in_no_error(slack: FakeSlack, channel: Open) -> None:
    slack.faults.on.append(Fault("refuses", error="invalid_auth"))
    with pytest.raises(RejectedBySystem) as refused:
        await post(channel(token="xoxb-secret"))
    assert "secret" not in f"{refused.value} {refused.value.details}"


async def test_a_silent_or_absent_slack_is_unreachable(
    slack: FakeSlack, channel: Open, closed_address: str
) -> None:
    slack.faults.on.append(Fault("silent"))
    with pytest.raises(Unreachable, match="Slack channel C01INC did not answer"):
        await post(channel(timeout_s=0.1))
    absent = SlackWeb(BOT_TOKEN, "C01INC", f"{closed_address}/api/")
    with pytest.raises(Unreachable, match="Cannot connect"):
        await post(absent)
    await absent.aclose()


async def test_a_lost_answer_is_not_posted_a_second_time_behind_the_engines_back(
    slack: FakeSlack, channel: Open
) -> None:
    slack.faults.on.append(Fault("hangs up"))
    with pytest.raises(Unreachable, match="Server disconnected"):
        await post(channel())
    assert slack.requests == 1


async def test_a_reference_of_something_else_is_refused(slack: FakeSlack, channel: Open) -> None:
    with pytest.raises(RejectedBySystem, match=r"'terminal' is no reference of a Slack message"):
        await channel().update(ref="terminal", message=Message(title="", text=""))
    assert slack.calls == []


async def test_a_check_says_as_whom_it_posts_and_posts_nothing(slack: FakeSlack, channel: Open) -> None:
    assert await channel().check() == "posts as backout of Testers"
    assert slack.calls == []


async def test_a_check_with_a_wrong_token_says_what_to_do(channel: Open) -> None:
    with pytest.raises(RejectedBySystem, match="use the app's bot token"):
        await channel(token="xoxb-wrong").check()
