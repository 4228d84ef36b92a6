"""Socket Mode: the gateway stays connected, says whether it is, and is not reachable otherwise."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from slack_sdk.socket_mode.aiohttp import SocketModeClient

from backout.messages import Button
from demo.slack.faults import Fault
from demo.slack.people import SlackPeople
from demo.slack.server import APP_TOKEN, FakeSlack
from gateway.app import Secrets
from tests.gateway.running import PATIENCE_S, Gateway, connect, eventually, gateway_over
from tests.gateway.slack_world import ALICE, SlackWorld, site_over, slack_world
from tests.gateway.world import signed, slash


@pytest.fixture(autouse=True)
def _haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long between attempts."""
    monkeypatch.setattr("gateway.slack_socket.PAUSES_S", (0.01, 0.02))
    monkeypatch.setattr("gateway.slack_socket.LOOK_S", 0.01)
    monkeypatch.setattr("gateway.slack_socket.GRACE_S", 0.1)


@pytest.fixture
async def world() -> AsyncIterator[SlackWorld]:
    """Run a gateway that hears Slack; the engine is nowhere."""
    async with slack_world(await connect("127.0.0.1:9", lazy=True), "Socket Mode") as world:
        yield world


async def is_connected(gateway: Gateway) -> bool:
    report = (await gateway.http.get("/healthz")).json()
    assert report["slack"] in {"connected", "disconnected"}
    return bool(report["slack"] == "connected")


async def answers(world: SlackWorld) -> bool:
    """See that a command is answered."""
    reaction = await world.people.type(ALICE, "help")
    return reaction.status == 200 and "/backout ack" in reaction.said[-1]


async def test_with_a_socket_there_is_no_door_for_http(world: SlackWorld) -> None:
    assert await answers(world)
    body = slash("help")
    for door in ("/slack/commands", "/slack/interactions"):
        answer = await world.gateway.http.post(door, content=body, headers=signed(body, at=0))
        assert answer.status_code == 404


async def test_over_http_health_says_nothing_of_a_socket(gateway: Gateway) -> None:
    assert "slack" not in (await gateway.http.get("/healthz")).json()


async def test_a_connection_that_is_lost_is_opened_again(world: SlackWorld) -> None:
    await eventually(lambda: is_connected(world.gateway))
    for _ in range(2):
        await world.slack.socket.drop()
        await asyncio.wait_for(world.slack.socket.opened.wait(), PATIENCE_S)
        assert await answers(world)
    await eventually(lambda: is_connected(world.gateway))
    assert (world.gateway.counted("backout_slack_connections_total", result="opened") or 0) >= 3
    assert world.gateway.counted("backout_slack_connected") == 1


async def test_a_new_connection_is_opened_when_slack_asks_for_one(world: SlackWorld) -> None:
    (before,) = world.slack.socket.connections
    await world.slack.socket.disconnect()

    async def is_another() -> bool:
        return bool(world.slack.socket.connections) and world.slack.socket.connections[-1] is not before

    await eventually(is_another)
    assert await eventually(lambda: answers(world))


async def test_while_slack_lets_nobody_in_health_says_so_and_it_is_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    slack = FakeSlack()
    api = await slack.start()
    refused = Fault("refuses", methods=("apps.connections.open",), error="invalid_auth")
    slack.faults.on.append(refused)
    nowhere = await connect("127.0.0.1:9", lazy=True)
    site, secrets = site_over("Socket Mode", api), Secrets(slack_app=APP_TOKEN)
    with caplog.at_level(logging.DEBUG):
        async with gateway_over(nowhere, secrets=secrets, site=site) as gateway:

            async def has_failed_often() -> bool:
                return (gateway.counted("backout_slack_connections_total", result="failed") or 0) > 3

            await eventually(has_failed_often)
            assert not await is_connected(gateway)
            assert gateway.counted("backout_slack_connected") == 0
            slack.faults.on.remove(refused)
            await eventually(lambda: is_connected(gateway))
    await slack.close()
    assert "Slack says 'invalid_auth' (see gateway.slack.app_token)" in caplog.text
    # Whoever has the ticket or the token is Slack's partner.
    assert "ticket" not in caplog.text
    assert APP_TOKEN not in caplog.text


async def test_a_gateway_that_stops_answers_what_it_has_heard_and_closes_its_connection() -> None:
    nowhere = await connect("127.0.0.1:9", lazy=True)
    async with slack_world(nowhere, "Socket Mode", groups=True) as world:
        requests = world.slack.requests
        world.slack.faults.on.append(Fault("slow", seconds=0.3, methods=("usergroups.users.list",)))
        typing = asyncio.create_task(world.people.type(ALICE, "ack chat/r2"))

        async def is_heard() -> bool:
            return world.slack.requests > requests

        await eventually(is_heard)
    reaction = await typing
    assert "so nothing was done" in reaction.said[-1]
    assert world.slack.socket.connections == []


async def test_a_gateway_that_stops_lets_an_answer_out_that_is_on_its_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sends, begun, may = SocketModeClient.send_socket_mode_response, asyncio.Event(), asyncio.Event()

    async def slowly(client: SocketModeClient, answer: dict[str, Any]) -> None:
        begun.set()
        await may.wait()
        await sends(client, answer)

    monkeypatch.setattr(SocketModeClient, "send_socket_mode_response", slowly)
    async with slack_world(await connect("127.0.0.1:9", lazy=True), "Socket Mode") as world:
        typing = asyncio.create_task(world.people.type(ALICE, "help"))
        await begun.wait()
        asyncio.get_running_loop().call_later(0.1, may.set)
    assert "/backout ack" in (await typing).said[-1]


class Broken:
    """A Slack whose adapter has a fault."""

    async def open_form(self, *, trigger: str, button: Button, respond_to: str) -> None:
        raise NotImplementedError

    async def respond(self, *, url: str, text: str) -> None:
        raise NotImplementedError

    async def members_of(self, *, group: str) -> tuple[str, ...]:
        raise NotImplementedError


async def test_a_fault_of_ours_is_answered_with_an_id_that_the_log_has(
    caplog: pytest.LogCaptureFixture,
) -> None:
    slack = FakeSlack()
    site = site_over("Socket Mode", await slack.start(), groups=True)
    nowhere, secrets = await connect("127.0.0.1:9", lazy=True), Secrets(slack_app=APP_TOKEN)
    async with gateway_over(nowhere, secrets=secrets, site=site, slack=Broken()):
        await slack.socket.opened.wait()
        reaction = await SlackPeople(slack, slack.socket).type(ALICE, "ack chat/r2")
    await slack.close()
    fault = re.fullmatch(r"Internal error (\w{32}); .*", reaction.said[-1])
    assert fault
    assert f"Fault {fault[1]}" in caplog.text


ODD: dict[str, dict[str, Any]] = {
    "an event": {"type": "events_api", "payload": {"event": {}}},
    "a number for a type": {"type": 7, "payload": {}},
    "no payload": {"type": "interactive"},
    "a payload that is text": {"type": "slash_commands", "payload": "ack"},
    "a payload that is a list": {"type": "interactive", "payload": []},
    "no type": {"payload": {}},
}


async def test_whatever_comes_in_an_envelope_is_acknowledged(world: SlackWorld) -> None:
    for name, envelope in ODD.items():
        answered = await world.slack.socket.send({"envelope_id": name, **envelope})
        assert answered.status == 200, name


@pytest.mark.parametrize("text", ["", "ping", "{", "[]", "{}", '{"type": "hello"}', '{"envelope_id": 7}'])
async def test_what_is_no_envelope_is_passed_over(world: SlackWorld, text: str) -> None:
    await world.slack.socket.say(text)
    assert await answers(world)


async def test_a_message_above_every_limit_costs_the_connection_and_no_more(world: SlackWorld) -> None:
    with suppress(ConnectionError):
        await world.slack.socket.say("x" * 5_000_000)
    assert await eventually(lambda: answers(world))
