"""What Slack has not signed now is no word of Slack's; what comes twice is one act."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from temporalio.client import Client

from backout.people import Action
from backout.timeline import ActionTaken
from demo.slack.reactions import Reaction
from demo.slack.signed import SignedHttp
from tests.gateway.slack_spoilt import KINDS, Kind, Scene
from tests.gateway.slack_world import WAYS, SlackWorld, slack_world

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture
async def world(client: Client) -> AsyncIterator[SlackWorld]:
    async with slack_world(client, "signed HTTP") as world:
        yield world


@pytest.fixture(params=WAYS)
async def any_world(client: Client, request: pytest.FixtureRequest) -> AsyncIterator[SlackWorld]:
    async with slack_world(client, request.param) as world:
        yield world


async def scene_of(world: SlackWorld) -> Scene:
    """Return a scene in which something waits."""
    view = await world.opened("r2")
    return Scene(world, view, view, view)


def body_of(reaction: Reaction) -> bytes:
    """Return what Slack posts."""
    is_command = reaction.kind == "slash_commands"
    return urlencode(reaction.payload if is_command else {"payload": json.dumps(reaction.payload)}).encode()


FORGERIES: Mapping[str, dict[str, Any]] = {
    "signed with another secret": {"secret": "e" * 32},
    "not signed": {"headers": {"X-Slack-Signature": ""}},
    "signed for another body": {"headers": {"X-Slack-Signature": "v0=" + "0" * 64}},
    "expired": {"age_s": 301.0},
    # Far from the bound: the time that is signed is of whole seconds, and the clock goes on until it is read.
    "from the future": {"age_s": -360.0},
    "without a time": {"headers": {"X-Slack-Request-Timestamp": ""}},
    "with a word for a time": {"headers": {"X-Slack-Request-Timestamp": "now"}},
}


@pytest.mark.parametrize("kind", KINDS)
async def test_what_slack_has_not_signed_now_changes_nothing_and_is_answered_401(
    world: SlackWorld, kind: Kind
) -> None:
    scene = await scene_of(world)
    reaction = await scene.sound(kind)
    transport = world.transport
    assert isinstance(transport, SignedHttp)
    before = await scene.quiet()
    for name, forgery in FORGERIES.items():
        answered = await transport.send(reaction.kind, body_of(reaction), **forgery)
        assert (answered.status, answered.text) == (401, ""), name
    assert await scene.everything() == before
    series = "commands" if kind == "command" else "interactions"
    labels = {"verb": ""} if kind == "command" else {"kind": "", "action": ""}
    counted = world.gateway.counted(f"backout_slack_{series}_total", **labels, result="forged")
    assert counted == len(FORGERIES)
    # The very same, signed now, is done.
    assert (await transport.send(reaction.kind, body_of(reaction))).status == 200
    assert len(await acts(world)) == 1


async def acts(world: SlackWorld) -> list[ActionTaken]:
    view = await world.gateway.incidents.view(incident="incident/chat/r2")
    return [event for event in view.timeline if isinstance(event, ActionTaken)]


BODIES: Mapping[str, tuple[bytes, int]] = {
    "no payload": (b"a=b", 400),
    "an empty payload": (b"payload=", 400),
    "a payload that is no JSON": (b"payload=%7Bhold", 400),
    "a list": (b"payload=%5B%5D", 400),
    "a number": (b"payload=7", 400),
    "a deep one": (b"payload=" + b"%5B" * 20_000, 400),
    "2 MB": (b"payload=" + b"x" * 2_000_000, 413),
}


async def test_a_body_that_is_no_interaction_is_refused(world: SlackWorld) -> None:
    transport = world.transport
    assert isinstance(transport, SignedHttp)
    for name, (body, status) in BODIES.items():
        answered = await transport.send("interactive", body)
        assert (answered.status, bool(answered.payload["error"])) == (status, True), name
    as_json = await transport.send("interactive", b"{}", headers={"Content-Type": "application/json"})
    assert as_json.status == 415


@pytest.mark.parametrize("kind", KINDS)
async def test_what_comes_twice_is_done_once_and_answered_twice(any_world: SlackWorld, kind: Kind) -> None:
    scene = await scene_of(any_world)
    reaction = await scene.sound(kind)
    await any_world.people.deliver(reaction)
    assert len(await acts(any_world)) == 1
    before = await scene.quiet()
    for attempt in (1, 2):
        await any_world.people.again(reaction, attempt)
    assert [answered.status for answered in reaction.answered] == [200] * 3
    assert not reaction.errors
    assert await scene.everything() == before
    assert [act.action for act in await acts(any_world)] == [
        Action.REJECT if kind == "form" else Action.APPROVE
    ]
