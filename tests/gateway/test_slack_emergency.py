"""The emergency and the way back in Slack: a button opens a form for the reason; the right decides."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from backout.case import OpenIncident
from backout.choices import buttons_of
from backout.messages import Button
from backout.model import digest_of
from backout.people import Action
from backout.timeline import ActionTaken
from backout.view import IncidentView, Phase, incident_id
from tests.gateway.running import eventually
from tests.gateway.slack_world import ALICE, WAYS, SlackWorld, Way, a_button, slack_world
from tests.gateway.world import an_alert
from tests.workflows.playbooks import MANUAL, POSTMORTEM, REVERT, playbook, rules

MAY = ["acknowledge", "approve", "reject", "hold", "resume", "skip", "abort", "note", "tick", "close"]
ALTERNATIVE = {"name": "strict", "about": "the strict guardrail", "targets": [{"target": "exposure"}]}


@pytest.fixture(params=WAYS)
async def world(client: Client, worker: None, request: pytest.FixtureRequest) -> AsyncIterator[SlackWorld]:  # noqa: ARG001
    way: Way = request.param
    async with slack_world(client, way) as world:
        yield world


async def opened(world: SlackWorld, *, may: tuple[str, ...] = ()) -> IncidentView:
    """Open an incident that waits for an approval of its revert, or of an alternative."""
    book = playbook(
        {**REVERT, "alternatives": [ALTERNATIVE]},
        MANUAL,
        POSTMORTEM,
        roles={"on_call": {"may": [*MAY, *may]}},
        rules=rules("approve"),
    )
    incident = incident_id("chat", "r2")
    opening = OpenIncident(
        incident=incident, service="chat", release="r2", playbook=book, digest=digest_of(book)
    )
    await world.gateway.incidents.open(opening=opening, alert=an_alert())

    async def asks() -> IncidentView | None:
        view = await world.gateway.incidents.view(incident=incident)
        return view if view.asks else None

    view = await eventually(asks)
    assert view is not None
    return view


def shown(view: IncidentView, action: Action) -> list[Button]:
    """Return the buttons of an action, as a message shows them."""
    return [button for button in buttons_of(view) if button.action is action]


async def acts(world: SlackWorld) -> list[ActionTaken]:
    view = await world.gateway.incidents.view(incident="incident/chat/r2")
    return [event for event in view.timeline if isinstance(event, ActionTaken)]


async def test_the_emergency_button_asks_for_the_reason_and_then_takes_everything_off(
    world: SlackWorld,
) -> None:
    view = await opened(world, may=("emergency",))
    (button,) = shown(view, Action.EMERGENCY)
    assert (button.label, button.style) == ("Emergency: all off …", "danger")
    tap = await world.people.tap(ALICE, await world.message(button), "emergency")
    form = await tap.form()
    assert await acts(world) == []
    empty = await world.people.submit(ALICE, form, {"reason": " "})
    assert empty.errors == {"reason": "emergency needs a reason"}
    sent = await world.people.submit(ALICE, form, {"reason": "it tells children how to"})
    assert sent.closed
    assert await tap.hears() == "chat/r2: all exposure is being taken off at once"

    async def is_off() -> bool:
        view = await world.gateway.incidents.view(incident="incident/chat/r2")
        return view.summary.exposure == 0 and view.summary.phase is Phase.MANUAL

    assert await eventually(is_off)
    (taken,) = await acts(world)
    assert (taken.action, taken.actor.via, taken.reason) == (
        Action.EMERGENCY,
        "slack",
        "it tells children how to",
    )


@pytest.mark.parametrize("action", [Action.EMERGENCY, Action.COME_BACK])
async def test_a_tap_without_the_right_does_nothing(world: SlackWorld, action: Action) -> None:
    view = await opened(world)
    tap = await world.people.tap(ALICE, await world.message(a_button(view, action)), action.value)
    sent = await world.people.submit(ALICE, await tap.form(), {"reason": "now"})
    assert f"only nobody in this playbook may {action.value} here" in sent.errors["reason"]
    assert await acts(world) == []


async def test_the_way_back_is_no_button_where_users_have_not_recovered(world: SlackWorld) -> None:
    view = await opened(world, may=("come_back",))
    assert shown(view, Action.COME_BACK) == []
    tap = await world.people.tap(ALICE, await world.message(a_button(view, Action.COME_BACK)), "come_back")
    sent = await world.people.submit(ALICE, await tap.form(), {"reason": "now"})
    assert "only where the revert is held because users recovered" in sent.errors["reason"]


async def test_the_revert_and_its_alternative_have_buttons_of_their_own(world: SlackWorld) -> None:
    view = await opened(world)
    buttons = shown(view, Action.APPROVE)
    assert [button.code for button in buttons] == [ask.code for ask in view.asks]
    assert [button.label for button in buttons] == [f"Approve {ask.code}" for ask in view.asks]
    assert "strict (the strict guardrail)" in buttons[1].confirm
    tap = await world.people.tap(ALICE, await world.message(buttons[1]), "approve")
    assert await tap.hears() == "chat/r2: approval 1 of 1: authorised"
    (taken,) = await acts(world)
    assert taken.subject == view.asks[1].subject
