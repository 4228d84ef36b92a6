"""Taps and forms in Slack: one act, one receipt, and only the person who acted sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from backout.case import OpenIncident
from backout.people import Action
from backout.timeline import ActionTaken
from demo.slack.faults import Fault
from tests.gateway.running import eventually
from tests.gateway.slack_world import ALICE, CAROL, WAYS, SlackWorld, Way, a_button, opening_of, slack_world
from tests.gateway.world import an_alert


@pytest.fixture(params=WAYS)
async def world(client: Client, worker: None, request: pytest.FixtureRequest) -> AsyncIterator[SlackWorld]:  # noqa: ARG001
    way: Way = request.param
    async with slack_world(client, way) as world:
        yield world


async def acts(world: SlackWorld, release: str = "r2") -> list[ActionTaken]:
    view = await world.gateway.incidents.view(incident=f"incident/chat/{release}")
    return [event for event in view.timeline if isinstance(event, ActionTaken)]


async def test_a_tap_is_an_act_and_the_person_gets_a_receipt(world: SlackWorld) -> None:
    view = await world.opened("r2")
    message = await world.message(a_button(view, Action.APPROVE))
    reaction = await world.people.tap(ALICE, message, "approve")
    assert reaction.status == 200
    assert await reaction.hears() == "chat/r2: approval 1 of 1: authorised"
    (taken,) = await acts(world)
    assert (taken.actor.person, taken.actor.via, taken.action) == ("alice", "slack", Action.APPROVE)
    counted = {"kind": "tap", "action": "approve", "result": "done"}
    assert world.gateway.counted("backout_slack_interactions_total", **counted) == 1
    # The message itself is the worker's to change.
    assert [method for method, _ in world.slack.calls if method.startswith("chat.")] == []


async def test_what_needs_a_reason_opens_a_form_and_is_done_once_it_is_sent_off(world: SlackWorld) -> None:
    view = await world.opened("r2")
    message = await world.message(a_button(view, Action.REJECT))
    tap = await world.people.tap(ALICE, message, "reject")
    form = await tap.form()
    assert tap.said == []
    assert await acts(world) == []
    sent = await world.people.submit(ALICE, form, {"reason": "the words are wrong"})
    assert sent.closed
    assert (await tap.hears()).startswith("chat/r2: rejected")
    (taken,) = await acts(world)
    assert (taken.action, taken.reason) == (Action.REJECT, "the words are wrong")
    assert taken.subject.startswith(f"sha256:{view.asks[0].code}")


async def test_the_severity_is_chosen_in_the_form(world: SlackWorld) -> None:
    view = await world.opened("r2")
    tap = await world.people.tap(ALICE, await world.message(a_button(view, Action.SEVERITY)), "severity")
    form = await tap.form()
    sent = await world.people.submit(ALICE, form, {"severity": "minor", "reason": "few users"})
    assert sent.closed, sent.errors
    after = await world.gateway.incidents.view(incident="incident/chat/r2")
    assert after.summary.severity == "minor"


async def test_a_form_that_is_refused_stays_open_with_the_reason_and_can_be_sent_again(
    world: SlackWorld,
) -> None:
    view = await world.opened("r2")
    tap = await world.people.tap(ALICE, await world.message(a_button(view, Action.NOTE)), "note")
    form = await tap.form()
    refused = await world.people.submit(ALICE, form, {"reason": "  "})
    assert refused.errors == {"reason": "note needs a reason"}
    sent = await world.people.submit(ALICE, form, {"reason": "seen"})
    assert sent.closed
    assert [act.reason for act in await acts(world)] == ["seen"]


async def test_a_tap_is_one_act_however_often_it_comes_and_a_later_one_is_another(world: SlackWorld) -> None:
    view = await world.opened("r2")
    shown = await world.message(a_button(view, Action.HOLD))
    tap = await world.people.tap(ALICE, shown, "hold")
    await world.people.again(tap)
    doubled = world.people.tapping(ALICE, shown, "hold")
    # Two taps of one moment: a second apart may be in two.
    doubled.payload["actions"][0]["action_ts"] = tap.payload["actions"][0]["action_ts"]
    await world.people.deliver(doubled)
    receipt = "chat/r2: held; nothing moves until somebody resumes, retries, skips or aborts"
    await world.is_told(doubled, receipt)
    assert len(await acts(world)) == 1
    later = await world.gateway.incidents.view(incident="incident/chat/r2")
    again = await world.people.tap(ALICE, await world.message(a_button(later, Action.HOLD)), "hold")
    await world.is_told(again, "the incident is held already")


async def test_a_form_is_one_act_however_often_it_is_sent_and_two_notes_are_two(world: SlackWorld) -> None:
    view = await world.opened("r2")
    shown = await world.message(a_button(view, Action.NOTE))
    for text in ("one", "two"):
        form = await (await world.people.tap(ALICE, shown, "note")).form()
        sent = await world.people.submit(ALICE, form, {"reason": text})
        await world.people.again(sent)
    assert [act.reason for act in await acts(world)] == ["one", "two"]


async def test_the_button_of_an_earlier_incident_does_nothing_in_the_next_one(world: SlackWorld) -> None:
    earlier = await world.opened("r2")
    await world.client.get_workflow_handle("incident/chat/r2").terminate()
    later = await world.opened("r2")
    assert earlier.summary.run != later.summary.run
    tap = await world.people.tap(ALICE, await world.message(a_button(earlier, Action.HOLD)), "hold")
    await world.is_told(tap, "Incident 'incident/chat/r2' is over")
    assert await acts(world) == []


async def test_a_button_never_acts_in_what_is_no_incident(world: SlackWorld) -> None:
    view = await world.opened("r2")
    elsewhere = OpenIncident.model_validate({**vars(opening_of("r2")), "incident": "elsewhere/r2"})
    await world.gateway.incidents.open(opening=elsewhere, alert=an_alert())
    button = a_button(view, Action.HOLD, incident="elsewhere/r2", run="")
    tap = await world.people.tap(ALICE, await world.message(button), "hold")
    await world.is_told(tap, "There is no incident 'elsewhere/r2'")


async def test_what_asks_nothing_is_heard_and_no_more(world: SlackWorld) -> None:
    view = await world.opened("r2")
    tap = world.people.tapping(ALICE, await world.message(a_button(view, Action.HOLD)), "hold")
    link = {**tap.payload, "actions": [{"type": "button", "action_id": "link", "url": "https://x.example"}]}
    closed = {"type": "view_closed", "user": {"id": ALICE}, "view": {"id": "V1"}}
    for payload in (link, closed, {"type": "shortcut"}, {"type": "of next year"}):
        answered = await world.transport.deliver("interactive", payload)
        assert (answered.status, answered.text, answered.payload) == (200, "", {})
    assert await acts(world) == []


async def test_a_form_that_slack_does_not_open_is_told_with_the_command_to_type(world: SlackWorld) -> None:
    view = await world.opened("r2")
    world.slack.faults.on.append(Fault("refuses", methods=("views.open",), error="expired_trigger_id"))
    tap = await world.people.tap(ALICE, await world.message(a_button(view, Action.REJECT)), "reject")
    told = await world.is_told(tap, "cannot be opened")
    assert "expired_trigger_id" in told
    assert f"type it instead: /backout reject chat/r2 {view.asks[0].code} &lt;reason&gt;" in told


async def test_a_tap_that_comes_twice_opens_one_form(world: SlackWorld) -> None:
    view = await world.opened("r2")
    tap = await world.people.tap(ALICE, await world.message(a_button(view, Action.REJECT)), "reject")
    await world.people.again(tap)
    assert (len(tap.views), tap.said) == (1, [])


async def test_an_act_whose_receipt_is_lost_is_done_and_the_loss_is_counted(world: SlackWorld) -> None:
    view = await world.opened("r2")
    tap = world.people.tapping(ALICE, await world.message(a_button(view, Action.HOLD)), "hold")
    for url in (f"{world.slack.address}/response/none", "http://169.254.169.254/latest"):
        tap.payload["response_url"] = url
        assert (await world.transport.deliver("interactive", tap.payload)).status == 200
    assert [act.action for act in await acts(world)] == [Action.HOLD]

    async def are_lost() -> bool:
        return world.gateway.counted("backout_slack_whispers_total", result="lost") == 2

    await eventually(are_lost)


async def test_somebody_in_no_role_is_told_who_may(world: SlackWorld) -> None:
    view = await world.opened("r2")
    tap = await world.people.tap(CAROL, await world.message(a_button(view, Action.HOLD)), "hold")
    await world.is_told(tap, "only on_call may hold here; the roles of Carol are: none")
