"""The fake Slack, asked by Slack's own client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from demo.slack.faults import Fault
from demo.slack.server import APP_TOKEN, BOT_TOKEN, FakeSlack

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*Bad* release"}}


@pytest.fixture
async def client(slack: FakeSlack) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(BOT_TOKEN, base_url=f"{slack.address}/api/", session=session, retry_handlers=[])


async def test_a_message_its_answers_and_their_metadata_are_found_again(client: AsyncWebClient) -> None:
    metadata = {"event_type": "told", "event_payload": {"key": "k1"}}
    top = await client.chat_postMessage(channel="C01INC", text="T", blocks=[SECTION], metadata=metadata)
    below = await client.chat_postMessage(channel="C01INC", text="below", thread_ts=top["ts"])
    await client.chat_update(channel="C01INC", ts=top["ts"], text="now", blocks=[])
    found = (await client.conversations_history(channel="C01INC", include_all_metadata=True))["messages"]
    thread = (await client.conversations_replies(channel="C01INC", ts=top["ts"]))["messages"]
    assert [(one["ts"], one["text"], one["metadata"]) for one in found] == [(top["ts"], "now", metadata)]
    assert [one["ts"] for one in thread] == [top["ts"], below["ts"]]
    assert "metadata" not in thread[0]


async def test_a_long_history_comes_in_pages(client: AsyncWebClient) -> None:
    for number in range(5):
        await client.chat_postMessage(channel="C01INC", text=str(number))
    first = await client.conversations_history(channel="C01INC", limit=3)
    rest = await client.conversations_history(
        channel="C01INC", limit=3, cursor=first["response_metadata"]["next_cursor"]
    )
    pages = [[one["text"] for one in page["messages"]] for page in (first, rest)]
    assert pages == [["4", "3", "2"], ["1", "0"]]
    assert first["has_more"]
    assert not rest["has_more"]


async def test_only_the_bot_and_its_channels_and_members_are_known(slack: FakeSlack) -> None:
    async with aiohttp.ClientSession() as session:
        for token, call, error in (
            ("", {"api_method": "auth.test"}, "not_authed"),
            ("xoxb-old", {"api_method": "auth.test"}, "invalid_auth"),
            (APP_TOKEN, {"api_method": "auth.test"}, "invalid_auth"),
            (BOT_TOKEN, {"api_method": "apps.connections.open"}, "invalid_auth"),
            (BOT_TOKEN, {"api_method": "chat.delete"}, "unknown_method"),
            (
                BOT_TOKEN,
                {"api_method": "chat.postMessage", "json": {"channel": "C9", "text": "t"}},
                "channel_not_found",
            ),
            (BOT_TOKEN, {"api_method": "chat.postMessage", "json": {"channel": "C01INC"}}, "no_text"),
            (
                BOT_TOKEN,
                {"api_method": "usergroups.users.list", "json": {"usergroup": "S9"}},
                "no_such_subteam",
            ),
            (BOT_TOKEN, {"api_method": "conversations.open", "json": {"users": "U9"}}, "user_not_found"),
        ):
            client = AsyncWebClient(token, base_url=f"{slack.address}/api/", session=session)
            assert await _refusal(client, **call) == error


async def test_the_members_of_a_group_and_a_conversation_are_given(client: AsyncWebClient) -> None:
    assert (await client.usergroups_users_list(usergroup="S01ONCALL"))["users"] == ["U01ALICE", "U02BOB"]
    opened = await client.conversations_open(users="U01ALICE")
    assert (await client.chat_postMessage(channel=opened["channel"]["id"], text="hello"))["ok"]


@pytest.mark.parametrize(
    "blocks",
    [
        pytest.param([SECTION] * 51, id="too many blocks"),
        pytest.param([{"type": "poem", "text": "o"}], id="an unknown block"),
        pytest.param([SECTION | {"colour": "red"}], id="an unknown field"),
        pytest.param(
            [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}], id="a long section"
        ),
        pytest.param([{"type": "section", "text": {"type": "mrkdwn", "text": ""}}], id="an empty section"),
        pytest.param(
            [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}], id="a long header"
        ),
        pytest.param([SECTION | {"block_id": "b"}] * 2, id="two blocks of one id"),
    ],
)
async def test_blocks_that_slack_does_not_take_are_refused(
    client: AsyncWebClient, slack: FakeSlack, blocks: list[dict[str, Any]]
) -> None:
    call = {"channel": "C01INC", "text": "t", "blocks": blocks}
    assert await _refusal(client, api_method="chat.postMessage", json=call) == "invalid_blocks"
    assert slack.rooms.messages == []


@pytest.mark.parametrize(
    "buttons",
    [
        pytest.param([{"action_id": f"a{number}"} for number in range(26)], id="too many"),
        pytest.param([{"action_id": "a"}, {"action_id": "a"}], id="two of one id"),
        pytest.param([{"action_id": "a", "value": "v" * 2001}], id="a long value"),
        pytest.param([{"action_id": "a" * 256}], id="a long id"),
        pytest.param(
            [{"action_id": "a", "text": {"type": "plain_text", "text": "x" * 76}}], id="a long label"
        ),
        pytest.param([{"action_id": "a", "style": "pink"}], id="a style that there is not"),
    ],
)
async def test_buttons_that_slack_does_not_take_are_refused(
    client: AsyncWebClient, buttons: list[dict[str, Any]]
) -> None:
    plain = {"type": "button", "text": {"type": "plain_text", "text": "Tap"}}
    blocks = [{"type": "actions", "elements": [plain | button for button in buttons]}]
    call = {"channel": "C01INC", "text": "t", "blocks": blocks}
    assert await _refusal(client, api_method="chat.postMessage", json=call) == "invalid_blocks"


async def test_blocks_that_are_too_long_together_are_refused(client: AsyncWebClient) -> None:
    long = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2900}}
    call = {"channel": "C01INC", "text": "t", "blocks": [long] * 5}
    assert await _refusal(client, api_method="chat.postMessage", json=call) == "msg_blocks_too_long"


async def test_a_limit_is_recovered_from_by_slacks_own_handler(slack: FakeSlack) -> None:
    slack.faults.on.append(Fault("limited", times=1, retry_after="0"))
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(
            BOT_TOKEN,
            base_url=f"{slack.address}/api/",
            session=session,
            retry_handlers=[AsyncRateLimitErrorRetryHandler()],
        )
        await client.auth_test()
    assert slack.requests == 2


async def test_a_lost_answer_did_what_was_asked(client: AsyncWebClient, slack: FakeSlack) -> None:
    slack.faults.on.append(Fault("loses its answer", times=1))
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel="C01INC", text="once")
    assert [one.text for one in slack.rooms.messages] == ["once"]


async def test_a_fault_can_be_for_one_method(client: AsyncWebClient, slack: FakeSlack) -> None:
    slack.faults.on.append(Fault("refuses", methods=("views.open",), error="expired_trigger_id"))
    assert await _refusal(client, api_method="views.open", json={}) == "expired_trigger_id"
    assert (await client.auth_test())["user"] == "backout"


async def _refusal(client: AsyncWebClient, **call: Any) -> str:  # noqa: ANN401  # arguments of Slack's client
    with pytest.raises(SlackApiError) as refused:
        await client.api_call(**call)
    return str(refused.value.response["error"])
