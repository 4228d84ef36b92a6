"""Slack's user groups give roles: for a while, and never where Slack does not say who is in them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from temporalio.client import Client

from adapters.channels.slack_calls import SlackCallsWeb
from backout.people import Action
from backout.timeline import ActionTaken
from demo.slack.faults import Fault
from demo.slack.server import BOT_TOKEN, FakeSlack
from gateway.slack_people import FRESH_S, REST_S, Groups
from tests.gateway.slack_world import ALICE, BOB, CAROL, GROUP, WAYS, SlackWorld, a_button, slack_world

ASKED = "usergroups.users.list"


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    slack = FakeSlack(groups={GROUP: [CAROL], "S02PRODUCT": [BOB, CAROL]})
    await slack.start()
    yield slack
    await slack.close()


class Hours:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def groups(slack: FakeSlack, hours: Hours) -> AsyncIterator[Groups]:
    async with aclosing(SlackCallsWeb(BOT_TOKEN, f"{slack.address}/api/")) as calls:
        yield Groups({GROUP: "on_call", "S02PRODUCT": "product"}, calls, hours)


@pytest.fixture
def hours() -> Hours:
    return Hours()


async def test_each_group_gives_its_members_its_role(groups: Groups) -> None:
    assert await groups.roles_of(CAROL) == (("on_call", "product"), "")
    assert await groups.roles_of(BOB) == (("product",), "")
    assert await groups.roles_of(ALICE) == ((), "")


async def test_members_are_remembered_for_five_minutes_and_then_asked_for_again(
    groups: Groups, slack: FakeSlack, hours: Hours
) -> None:
    await groups.roles_of(CAROL)
    slack.groups[GROUP] = (ALICE,)
    hours.now += FRESH_S - 1
    assert await groups.roles_of(CAROL) == (("on_call", "product"), "")
    hours.now += 1
    assert await groups.roles_of(CAROL) == (("product",), "")
    assert await groups.roles_of(ALICE) == (("on_call",), "")
    assert [method for method, _ in slack.calls] == [ASKED] * 4


async def test_what_was_known_gives_nobody_a_role_once_it_is_old_and_slack_does_not_answer(
    groups: Groups, slack: FakeSlack, hours: Hours
) -> None:
    await groups.roles_of(CAROL)
    slack.faults.on.append(Fault("down"))
    hours.now += FRESH_S
    roles, why = await groups.roles_of(CAROL)
    assert roles == ()
    assert "503" in why
    requests = slack.requests
    # A Slack that is down is let be for a moment.
    await groups.roles_of(CAROL)
    assert slack.requests == requests
    slack.faults.on.clear()
    hours.now += REST_S
    assert await groups.roles_of(CAROL) == (("on_call", "product"), "")


async def test_a_group_that_is_not_there_leaves_the_others(groups: Groups, slack: FakeSlack) -> None:
    del slack.groups[GROUP]
    roles, why = await groups.roles_of(CAROL)
    assert roles == ("product",)
    assert "no_such_subteam" in why


async def test_a_storm_of_taps_asks_once(groups: Groups, slack: FakeSlack) -> None:
    await asyncio.gather(*(groups.roles_of(CAROL) for _ in range(20)))
    assert len(slack.calls) == 2


@pytest.fixture(params=WAYS)
async def world(client: Client, worker: None, request: pytest.FixtureRequest) -> AsyncIterator[SlackWorld]:  # noqa: ARG001
    async with slack_world(client, request.param, groups=True) as world:
        yield world


async def test_a_member_of_the_group_acts_with_its_role(world: SlackWorld) -> None:
    view = await world.opened("r2")
    message = await world.message(a_button(view, Action.APPROVE))
    tap = await world.people.tap(CAROL, message, "approve")
    await world.is_told(tap, "chat/r2: approval 1 of 1: authorised")
    after = await world.gateway.incidents.view(incident="incident/chat/r2")
    (taken,) = [event for event in after.timeline if isinstance(event, ActionTaken)]
    assert (taken.actor.person, taken.actor.roles) == ("carol", ("on_call",))
    refused = await world.people.tap(BOB, message, "approve")
    await world.is_told(refused, "the roles of Bob are: none")


async def test_while_slack_does_not_say_who_is_in_a_group_it_gives_nobody_a_role(world: SlackWorld) -> None:
    view = await world.opened("r2")
    world.slack.faults.on.append(Fault("down", methods=(ASKED,)))
    message = await world.message(a_button(view, Action.HOLD), a_button(view, Action.TICK))
    for refused in (
        await world.people.tap(CAROL, message, "hold"),
        await world.people.type(CAROL, "hold chat/r2"),
    ):
        await world.is_told(refused, "Slack's user groups, which give you your roles, could not be asked")
    # Who has a role in the site file acts with that one, and hears of the doubt where it does not do.
    doubted = await world.people.tap(ALICE, message, "tick")
    await world.is_told(doubted, "which give roles too, could not be asked")
    done = await world.people.tap(ALICE, message, "hold")
    await world.is_told(done, "chat/r2: held")
