"""A webhook's receiver knows who sent what, and that it had it already."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import web

from adapters.channels.webhook import Webhook
from adapters.memory import MemoryClock
from backout.errors import RejectedBySystem, Unreachable
from backout.messages import Message
from backout.people import Action, Person
from backout.severity import Severity
from tests.adapters.conftest import Serve
from tests.adapters.pagers import SECRET, WebhookWorld
from tests.adapters.verifying import fields_that_are_told, is_from_backout

ANN = Person(name="Ann", email="ann@example.org", login="ann")
PAGE = Message(
    title="Bad",
    text="*errors* &gt; 30 %",
    incident="incident/chat/r2",
    actions=(Action.APPROVE,),
    code="4f1a2b3c",
    severity=Severity.MAJOR,
    link="https://b.example/7",
    key="run/7",
)


@pytest.fixture
async def world() -> AsyncIterator[WebhookWorld]:
    world = WebhookWorld()
    await world.start()
    yield world
    await world.stop()


@pytest.fixture
async def hook(world: WebhookWorld) -> AsyncIterator[Webhook]:
    hook = world.open()
    yield hook
    await hook.aclose()


async def test_the_event_says_what_the_how_to_says_that_it_says(world: WebhookWorld, hook: Webhook) -> None:
    posted = await hook.post(message=PAGE, people=(ANN,))
    await hook.update(ref=posted.ref, message=PAGE.model_copy(update={"state": "closed"}))
    message, update = world.taken
    assert message == {
        "id": posted.ref,
        "event": "message",
        "thread": None,
        "incident": "incident/chat/r2",
        "state": "open",
        "severity": "major",
        "title": "Bad",
        "text": "errors > 30 %",
        "people": [{"name": "Ann", "email": "ann@example.org", "slack": None}],
        "actions": ["approve"],
        "answers": ["approve chat/r2 4f1a2b3c"],
        "code": "4f1a2b3c",
        "link": "https://b.example/7",
    }
    assert (update["event"], update["of"], update["state"]) == ("update", posted.ref, "closed")
    assert set(message) | set(update) == fields_that_are_told() | {"of"}


async def test_an_event_that_is_sent_again_has_the_same_id_and_any_other_another(
    world: WebhookWorld, hook: Webhook
) -> None:
    first = await hook.post(message=PAGE, people=(ANN,))
    again = await hook.post(message=PAGE, people=(ANN,))
    others = [
        await hook.post(message=PAGE, people=()),
        await hook.post(message=PAGE.model_copy(update={"key": "run/8"}), people=(ANN,)),
        await hook.post(message=PAGE.model_copy(update={"text": "x"}), people=(ANN,)),
    ]
    assert first == again
    assert len({first.ref, *(other.ref for other in others)}) == 4
    assert [headers["Idempotency-Key"] for headers, _ in world.requests] == [one["id"] for one in world.taken]


async def test_a_changed_body_stamp_or_signature_is_not_from_backout(
    world: WebhookWorld, hook: Webhook
) -> None:
    await hook.post(message=PAGE, people=())
    ((headers, body),) = world.requests
    stamp = headers["X-Backout-Timestamp"]
    assert is_from_backout(SECRET, headers, body)
    assert not is_from_backout("another", headers, body)
    assert not is_from_backout(SECRET, headers, body + b" ")
    assert not is_from_backout(SECRET, {**headers, "X-Backout-Timestamp": str(int(stamp) + 1)}, body)
    assert not is_from_backout(SECRET, {**headers, "X-Backout-Timestamp": "now"}, body)
    assert not is_from_backout(SECRET, {**headers, "X-Backout-Signature": "v1=é"}, body)
    assert not is_from_backout(SECRET, {}, body)


async def test_an_old_event_is_not_from_backout_any_more(world: WebhookWorld) -> None:
    old = Webhook(world.url, SECRET, timedelta(seconds=30), MemoryClock())
    with pytest.raises(RejectedBySystem, match="401; see that it knows the same secret"):
        await old.post(message=PAGE, people=())
    await old.aclose()


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_any_status_of_success_is_one_however_long_the_answer(serve: Serve, status: int) -> None:
    async def taking(_request: web.Request) -> web.Response:
        return web.Response(status=status, text="" if status == 204 else "x" * 1_000_000)

    hook = Webhook(await serve(taking), SECRET, timedelta(seconds=30))
    assert (await hook.post(message=PAGE, people=())).ref
    await hook.aclose()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (302, RejectedBySystem),
        (400, RejectedBySystem),
        (403, RejectedBySystem),
        (410, RejectedBySystem),
        (408, Unreachable),
        (425, Unreachable),
        (500, Unreachable),
        (504, Unreachable),
    ],
)
async def test_what_trying_again_may_mend_is_told_apart(
    serve: Serve, status: int, error: type[Exception]
) -> None:
    seen = []

    async def answering(request: web.Request) -> web.Response:
        seen.append(json.loads(await request.read())["id"])
        return web.Response(status=status, headers={"Location": "/elsewhere"}, text=SECRET)

    hook = Webhook(await serve(answering), SECRET, timedelta(seconds=30))
    with pytest.raises(error, match=f"it answered {status}") as caught:
        await hook.post(message=PAGE, people=())
    assert len(seen) == 1
    assert SECRET not in str(caught.value)
    await hook.aclose()
