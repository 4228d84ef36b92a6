"""The demo's people act through the channel that they see, and the terminal shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.channels.slack_calls import SlackCallsWeb
from backout.buttons import REASON_BLOCK, button_of
from backout.choices import buttons_of
from backout.messages import Message
from backout.people import NEEDS_REASON, Action
from backout.view import Ask, IncidentView
from demo.channel import INCIDENTS, Channel
from demo.people import REMARK, DoorClosed, FormMissing, OnCall
from demo.slack.people import SlackPeople, Transport
from demo.slack.reactions import Answered
from demo.slack.rooms import Shape
from demo.slack.server import BOT_TOKEN, SIGNING_SECRET, FakeSlack
from demo.slack.signed import SignedHttp
from tests.slack.app import http_app
from tests.slack.conftest import Open
from tests.unit.demo_world import PEOPLE, a_view

OWN_IT = Ask(what="Do you own it?", actions=(Action.ACKNOWLEDGE,), roles=("on_call",))
REVERT = Ask(
    what="Revert?",
    actions=(Action.APPROVE, Action.REJECT),
    subject="sha256:" + "4f1a2b3c" * 8,
    quorum=2,
    roles=("incident_commander", "product_owner"),
)


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    slack = FakeSlack(channels={"C01INC": "incidents", INCIDENTS: "war-room"})
    await slack.start()
    yield slack
    await slack.close()


class Door:
    """A gateway's door: it answers a tap at its address, and opens a form where a reason is needed."""

    def __init__(self, slack: FakeSlack) -> None:
        self._api = f"{slack.address}/api/"
        self.busy: list[str] = []
        """What it has no answer to in time, once each, and says so."""
        self.done: list[tuple[str, str, str]] = []
        """Who did what, and why."""
        self._to = ""

    async def hears(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Take a tap or a form."""
        user = payload["user"]["id"]
        if is_busy := payload["type"] in self.busy:
            self.busy.remove(payload["type"])
        if payload["type"] == "view_submission":
            if is_busy:
                return {"response_action": "errors", "errors": {REASON_BLOCK: "no answer came"}}
            (reason,) = payload["view"]["state"]["values"][REASON_BLOCK].values()
            self.done.append((user, "note", reason["value"]))
            await self._say(self._to, "chat/2026.11: noted")
            return {}
        (action,) = payload["actions"]
        button = button_of(action["action_id"], action["value"])
        if button.action in NEEDS_REASON:
            self._to = payload["response_url"]
            calls = SlackCallsWeb(BOT_TOKEN, self._api)
            await calls.open_form(trigger=payload["trigger_id"], button=button, respond_to=self._to)
            await calls.aclose()
            return {}
        if is_busy:
            await self._say(payload["response_url"], "no answer came")
            return {}
        self.done.append((user, button.action, button.code))
        await self._say(payload["response_url"], "chat/2026.11: taken:\n1 of 2")
        return {}

    async def _say(self, url: str, text: str) -> None:
        async with aiohttp.ClientSession() as http:
            await http.post(url, json={"text": text})


class Lossy:
    """A way to the door on which everything has to be delivered so often: all before that is lost."""

    def __init__(self, way: Transport, *, times: float) -> None:
        self._way = way
        self._times = times
        self._left = times

    async def deliver(
        self, kind: str, payload: Shape, *, attempt: int = 0, reason: str = "http_timeout"
    ) -> Answered:
        """Deliver it, or have it lost."""
        self._left -= 1
        if self._left > 0:
            return Answered(status=None)
        self._left = self._times
        return await self._way.deliver(kind, payload, attempt=attempt, reason=reason)


@asynccontextmanager
async def on_call(
    slack: FakeSlack, door: Door, said: list[str], *, delivered: float = 1, **more: float
) -> AsyncIterator[OnCall]:
    async with http_app(door.hears) as transport:
        hands = SlackPeople(slack, Lossy(transport, times=delivered))
        yield OnCall(
            rooms=slack.rooms,
            hands=hands,
            people=PEOPLE,
            say=said.append,
            **{"thinks_s": 0.0, "patience_s": 600.0, **more},
        )


async def show(room: Open, view: IncidentView, **fields: object) -> None:
    buttons = buttons_of(view)
    given = {"title": "Bad", "text": "t", "incident": view.summary.incident, "buttons": buttons, **fields}
    await room().post(message=Message.model_validate(given), people=())


async def test_an_answer_is_a_tap_on_the_newest_message_that_asks_for_it(
    slack: FakeSlack, room: Open
) -> None:
    said: list[str] = []
    door, view = Door(slack), a_view("revert", asks=(REVERT,))
    async with on_call(slack, door, said) as people:
        await people.look(view)
        assert door.done == []  # nobody taps what is not there
        await show(room, view)
        for _ in range(3):
            await people.look(view)
    assert door.done == [("U01BOB", "approve", "4f1a2b3c"), ("U01CAROL", "approve", "4f1a2b3c")]
    assert said[0] == "Bob taps [Approve] → chat/2026.11: taken: 1 of 2"


async def test_whoever_owns_the_incident_writes_on_its_timeline_by_the_form(
    slack: FakeSlack, room: Open
) -> None:
    said: list[str] = []
    door, view = Door(slack), a_view("escalate", asks=(OWN_IT,))
    async with on_call(slack, door, said) as people:
        await show(room, view)
        await people.look(view)
    assert door.done == [("U01ALICE", "acknowledge", ""), ("U01ALICE", "note", REMARK)]
    assert said[1] == "Alice taps [Note …] and fills in the form → chat/2026.11: noted"


async def test_on_a_busy_machine_a_tap_that_is_not_heard_in_time_is_given_once_more(
    slack: FakeSlack, room: Open
) -> None:
    said: list[str] = []
    door, view = Door(slack), a_view("escalate", asks=(OWN_IT,))
    async with on_call(slack, door, said, delivered=2, patience_s=0.1) as people:
        await show(room, view)
        await people.look(view)
    assert door.done == [("U01ALICE", "acknowledge", ""), ("U01ALICE", "note", REMARK)]
    assert said == [
        "Alice taps [Acknowledge] → chat/2026.11: taken: 1 of 2",
        "Alice taps [Note …] and fills in the form → chat/2026.11: noted",
    ]


@pytest.mark.parametrize("busy", [1, 2], ids=["for a moment", "for a while"])
async def test_a_person_who_is_told_that_no_answer_came_taps_again_before_anybody_else(
    slack: FakeSlack, room: Open, busy: int
) -> None:
    said: list[str] = []
    door, view = Door(slack), a_view("revert", asks=(REVERT,))
    door.busy = ["block_actions"] * busy
    async with on_call(slack, door, said) as people:
        await show(room, view)
        await people.look(view)
    assert door.done == [("U01BOB", "approve", "4f1a2b3c")]
    assert said == ["Bob taps [Approve] → chat/2026.11: taken: 1 of 2"]


async def test_a_form_that_the_busy_door_keeps_open_is_sent_off_again(slack: FakeSlack, room: Open) -> None:
    said: list[str] = []
    door, view = Door(slack), a_view("escalate", asks=(OWN_IT,))
    door.busy = ["view_submission"]
    async with on_call(slack, door, said) as people:
        await show(room, view)
        await people.look(view)
    assert said[1] == "Alice taps [Note …] and fills in the form → chat/2026.11: noted"
    assert door.done == [("U01ALICE", "acknowledge", ""), ("U01ALICE", "note", REMARK)]


async def test_a_form_that_never_opens_is_an_error_that_says_so(slack: FakeSlack, room: Open) -> None:
    said: list[str] = []
    view = a_view("escalate", asks=(OWN_IT,))
    async with on_call(slack, Door(slack), said, delivered=inf, patience_s=0.0) as people:
        await show(room, view)
        with pytest.raises(FormMissing, match=r"Alice, who taps \[Note …\] 3 times; .*operation_timeout"):
            await people.look(view)
    assert said == ["Alice taps [Acknowledge] → This failed: operation_timeout"]


async def test_an_answer_that_did_not_count_is_given_again_in_a_while(slack: FakeSlack, room: Open) -> None:
    door, view = Door(slack), a_view("revert", asks=(REVERT,))
    async with on_call(slack, door, [], patience_s=0.0) as people:
        await show(room, view)
        for _ in range(2):
            await people.look(view)
    assert [who for who, *_ in door.done] == ["U01BOB", "U01BOB"]


async def test_a_door_that_does_not_open_is_an_error_that_names_the_button(
    slack: FakeSlack, room: Open
) -> None:
    async def refuses(_request: web.Request) -> web.Response:
        return web.Response(status=503)

    app = web.Application()
    app.router.add_post("/", refuses)
    view = a_view("revert", asks=(REVERT,))
    await show(room, view)
    async with TestServer(app, host="127.0.0.1") as server:
        url = str(server.make_url("/"))
        transport = SignedHttp(signing_secret=SIGNING_SECRET, commands=url, interactions=url)
        hands = SlackPeople(slack, transport)
        people = OnCall(rooms=slack.rooms, hands=hands, people=PEOPLE, say=print, thinks_s=0)
        with pytest.raises(DoorClosed, match=r"Bob, who taps \[Approve\], with HTTP 503"):
            await people.look(view)


async def test_the_terminal_shows_posts_threads_changes_and_buttons_as_words(
    slack: FakeSlack, room: Open
) -> None:
    shown: list[str] = []
    Channel(slack.rooms, lambda text, mark: shown.append(f"{mark} {text}"), {"U01ALICE": "Alice"})
    view = a_view("revert", asks=(REVERT,))
    channel = room(INCIDENTS)
    title = {"title": "Bad", "incident": view.summary.incident}
    lines = "\n".join(f"line {number}" for number in range(8))
    top = await channel.post(
        message=Message.model_validate({**title, "text": lines, "buttons": buttons_of(view)}),
        people=[PEOPLE["alice"]],
    )
    await channel.post(message=Message(title="", text="one\ntwo", thread=top.ref), people=())
    for text in ("same title", "again"):
        await channel.update(ref=top.ref, message=Message(title="Well", text=text))
    buttons = " ".join(f"[{button.label}]" for button in buttons_of(view))
    assert shown == [
        "✉ #war-room Bad",
        "      @Alice",
        *(f"      line {number}" for number in range(5)),
        "      … 3 more lines",
        f"      {buttons}",
        "✉ #war-room ↳ 2 lines of news in the thread",
        "✉ #war-room ✎ Well",
    ]
