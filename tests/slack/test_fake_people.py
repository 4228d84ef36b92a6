"""People in the fake Slack, heard by Slack's own signature and Socket Mode code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import ActionsBlock, ButtonElement, InputBlock, PlainTextInputElement
from slack_sdk.models.views import View
from slack_sdk.web.async_client import AsyncWebClient

from demo.slack.people import SlackPeople, Transport
from demo.slack.rooms import SlackMessage
from demo.slack.server import BOT_TOKEN, FakeSlack
from tests.slack.app import Hears, http_app, socket_app

Connect = Callable[[FakeSlack, Hears], Any]


@asynccontextmanager
async def over_http(_slack: FakeSlack, hears: Hears) -> AsyncIterator[Transport]:
    async with http_app(hears) as transport:
        yield transport


@asynccontextmanager
async def over_socket(slack: FakeSlack, hears: Hears) -> AsyncIterator[Transport]:
    async with socket_app(slack, hears):
        yield slack.socket


both = pytest.mark.parametrize("connect", [over_http, over_socket], ids=["signed HTTP", "Socket Mode"])


def a_form() -> dict[str, Any]:
    field = InputBlock(label="Why", block_id="why", element=PlainTextInputElement(action_id="text"))
    return View(type="modal", title="Reject", submit="Send", blocks=[field], callback_id="c").to_dict()


def with_button(slack: FakeSlack) -> SlackMessage:
    buttons = ActionsBlock(elements=[ButtonElement(text="Hold it", action_id="backout:hold", value="v1")])
    return slack.rooms.post("C01INC", "t", [buttons.to_dict()])


@both
async def test_a_command_is_heard_and_its_answer_shown(slack: FakeSlack, connect: Connect) -> None:
    heard: list[dict[str, Any]] = []

    async def hears(payload: dict[str, Any]) -> dict[str, Any]:
        heard.append(payload)
        return {"response_type": "ephemeral", "text": "it is held"}

    async with connect(slack, hears) as transport:
        reaction = await SlackPeople(slack, transport).type("U01ALICE", "hold chat/r2")
    assert await reaction.hears() == "it is held"
    assert (heard[0]["command"], heard[0]["text"], heard[0]["user_id"]) == (
        "/backout",
        "hold chat/r2",
        "U01ALICE",
    )


@both
async def test_a_tap_is_heard_with_its_value_and_answered_at_its_address(
    slack: FakeSlack, connect: Connect
) -> None:
    heard: list[dict[str, Any]] = []

    async def hears(payload: dict[str, Any]) -> dict[str, Any]:
        heard.append(payload)
        async with aiohttp.ClientSession() as http:
            await http.post(payload["response_url"], json={"text": "held"})
        return {}

    message = with_button(slack)
    async with connect(slack, hears) as transport:
        reaction = await SlackPeople(slack, transport).tap("U02BOB", message, "Hold it")
    assert await reaction.hears() == "held"
    (action,) = heard[0]["actions"]
    assert (action["action_id"], action["value"]) == ("backout:hold", "v1")
    assert heard[0]["message"]["ts"] == message.ts


@both
async def test_a_form_is_opened_by_a_tap_filled_in_and_sent_off(slack: FakeSlack, connect: Connect) -> None:
    heard: list[dict[str, Any]] = []

    async def hears(payload: dict[str, Any]) -> dict[str, Any]:
        heard.append(payload)
        if payload["type"] == "view_submission":
            return {"response_action": "errors", "errors": {"why": "too short"}}
        async with aiohttp.ClientSession() as session:
            client = AsyncWebClient(BOT_TOKEN, base_url=f"{slack.address}/api/", session=session)
            await client.views_open(trigger_id=payload["trigger_id"], view=a_form())
            with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
                await client.views_open(trigger_id=payload["trigger_id"], view=a_form())
        return {}

    async with connect(slack, hears) as transport:
        people = SlackPeople(slack, transport)
        form = await (await people.tap("U02BOB", with_button(slack), "hold")).form()
        sent = await people.submit("U02BOB", form, {"why": "no"})
        with pytest.raises(LookupError, match="does not let go without 'Why'"):
            await people.submit("U02BOB", form, {})
    assert sent.errors == {"why": "too short"}
    assert heard[1]["view"]["state"]["values"]["why"]["text"]["value"] == "no"
    assert heard[1]["view"]["callback_id"] == "c"


async def test_what_is_told_again_says_so_and_is_the_same(slack: FakeSlack) -> None:
    headers: list[dict[str, str]] = []
    heard: list[dict[str, Any]] = []

    async def hears(payload: dict[str, Any]) -> dict[str, Any]:
        heard.append(payload)
        return {}

    async with http_app(hears, headers) as transport:
        people = SlackPeople(slack, transport)
        await people.again(await people.type("U01ALICE", "hold"), attempt=1)
    assert heard[0] == heard[1]
    assert "x-slack-retry-num" not in headers[0]
    assert (headers[1]["x-slack-retry-num"], headers[1]["x-slack-retry-reason"]) == ("1", "http_timeout")


async def test_what_is_forged_or_old_is_not_believed_by_slacks_own_verifier(slack: FakeSlack) -> None:
    async with http_app(_nothing) as transport:
        assert (await transport.send("slash_commands", b"command=%2Fx")).status == 200
        assert (await transport.send("slash_commands", b"command=%2Fx", secret="guessed")).status == 401
        assert (await transport.send("slash_commands", b"command=%2Fx", age_s=400)).status == 401
        unsigned = await transport.send("slash_commands", b"x=1", headers={"X-Slack-Signature": "v0=00"})
    assert unsigned.status == 401
    assert slack.calls == []


async def test_an_app_that_is_asked_to_reconnect_does_and_hears_on(slack: FakeSlack) -> None:
    async with socket_app(slack, _said):
        before = slack.socket.connections[-1]
        await slack.socket.disconnect()
        while slack.socket.connections[-1:] in ([], [before]):  # noqa: ASYNC110  # Slack's client has its own pace
            await asyncio.sleep(0.01)
        reaction = await SlackPeople(slack, slack.socket).type("U01ALICE", "hold")
        assert await reaction.hears() == "said"


async def test_an_app_that_is_not_there_is_told_to_the_person(slack: FakeSlack) -> None:
    reaction = await SlackPeople(slack, slack.socket).type("U01ALICE", "hold")
    assert (reaction.status, reaction.said) == (None, ["This failed: operation_timeout"])


async def _nothing(_payload: dict[str, Any]) -> dict[str, Any]:
    return {}


async def _said(_payload: dict[str, Any]) -> dict[str, Any]:
    return {"text": "said"}
