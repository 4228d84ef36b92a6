"""CloudEvents' webhooks: events in batches, and the question whether a sender may deliver."""

from __future__ import annotations

import json

import pytest

from tests.gateway.posting import nothing_is_kept, post, timeline
from tests.gateway.running import Gateway
from tests.gateway.senders import SENDERS, Event, Said, cloudevent
from tests.gateway.world import FIRING

EVENTS = SENDERS[5]
BATCH = {"Content-Type": "application/cloudevents-batch+json; charset=utf-8"}
OTHER = cloudevent("com.example.release.made", Event())


def batch(*said: Said) -> bytes:
    return json.dumps(said).encode()


@pytest.mark.usefixtures("worker")
async def test_each_event_of_a_batch_is_an_alert_of_its_own_in_their_order(gateway: Gateway) -> None:
    events = [EVENTS.says(Event()), EVENTS.says(Event(at=1)), EVENTS.says(Event("resolved", at=5)), OTHER]
    answer = await post(gateway, EVENTS, batch(*events), **BATCH)
    assert answer.status_code == 202
    accepted = answer.json()["accepted"]
    assert [(one["status"], one["repeated"]) for one in accepted] == [
        ("firing", False),
        ("firing", True),
        ("resolved", False),
    ]
    assert await timeline(gateway) == ["firing", "resolved"]


async def test_a_batch_is_known_by_the_same_episodes_as_single_events(gateway: Gateway) -> None:
    await post(gateway, EVENTS, EVENTS.body(Event()))
    answer = await post(gateway, EVENTS, batch(EVENTS.says(Event(at=3))), **BATCH)
    assert answer.json()["accepted"][0]["repeated"] is True


@pytest.mark.parametrize(
    ("said", "why"),
    [([], "there is no event in the batch"), ([OTHER, OTHER], "neither fires nor resolves")],
    ids=["empty", "no alert in it"],
)
async def test_a_batch_without_an_alert_is_acknowledged_and_ignored(
    gateway: Gateway, said: list[Said], why: str
) -> None:
    answer = await post(gateway, EVENTS, batch(*said), **BATCH)
    assert answer.status_code == 202
    assert why in answer.json()["ignored"]
    assert await nothing_is_kept(gateway)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"{", "body: "),
        (b"{}", "body: "),
        (batch(EVENTS.says(Event()), {**EVENTS.says(Event()), "time": "soon"}), "[1].time: "),
        (batch(EVENTS.says(Event()), {"type": "x"}), "[1].specversion: "),
        (json.dumps([1]).encode(), "[0]: "),
        (batch(*[EVENTS.says(Event())] * 501), "alerts: 501 alerts in one body, and it may hold 500."),
    ],
    ids=["no JSON", "one event", "a moment that is none", "no event", "a number", "too many"],
)
async def test_a_batch_that_does_not_fit_is_refused_whole_with_its_place(
    gateway: Gateway, body: bytes, place: str
) -> None:
    answer = await post(gateway, EVENTS, body, **BATCH)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(place)
    (letter,) = await gateway.outbox.dead(limit=10)
    assert letter.alert is None
    assert await gateway.outbox.depth() == 0


@pytest.mark.parametrize("origin", ["events.example.com", "Events.Example.com"])
async def test_a_sender_of_the_site_file_is_told_that_it_may_deliver_and_how_much(
    gateway: Gateway, origin: str
) -> None:
    asked = {"WebHook-Request-Origin": origin, "WebHook-Request-Rate": "120"}
    answer = await gateway.http.options("/alerts/cloudevents", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["webhook-allowed-origin"] == origin
    assert answer.headers["webhook-allowed-rate"] == "6000"  # 100 a second
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 400),
        ({"WebHook-Request-Origin": "evil.example"}, 403),
        ({"WebHook-Request-Origin": "x.events.example.com"}, 403),
        ({"WebHook-Request-Origin": "*"}, 403),
        ({"WebHook-Request-Origin": "evil.example", "WebHook-Request-Callback": "http://127.0.0.1:9/"}, 403),
    ],
    ids=["nobody", "somebody else", "below it", "all", "with an address to call back"],
)
async def test_no_other_sender_is_told_so(gateway: Gateway, headers: dict[str, str], status: int) -> None:
    answer = await gateway.http.options("/alerts/cloudevents", headers=headers)
    assert answer.status_code == status
    assert not any(name.startswith("webhook-") for name in answer.headers)
    assert await nothing_is_kept(gateway)


async def test_who_asked_before_still_shows_the_token_with_each_message(gateway: Gateway) -> None:
    asked = {"WebHook-Request-Origin": "events.example.com"}
    assert (await gateway.http.options("/alerts/cloudevents", headers=asked)).status_code == 200
    headers = {**asked, "Content-Type": "application/cloudevents+json"}
    body = EVENTS.body(Event())
    answer = await gateway.http.post("/alerts/cloudevents", content=body, headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize("door", [str(one) for one in SENDERS if one is not EVENTS])
async def test_the_other_doors_know_no_such_question(gateway: Gateway, door: str) -> None:
    asked = {"WebHook-Request-Origin": "events.example.com"}
    assert (await gateway.http.options(f"/alerts/{door}", headers=asked)).status_code == 405


async def test_a_dead_letter_keeps_what_mending_it_takes(gateway: Gateway) -> None:
    attributes = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/evals", "ce-type": FIRING}
    await post(gateway, EVENTS, b"{", **{"Content-Type": "application/json", **attributes})
    await post(gateway, EVENTS, EVENTS.body(Event(release="")))
    unroutable, unreadable = await gateway.outbox.dead(limit=10)
    # The headers of a binary event are part of it; those that open the door are nobody's business.
    assert unreadable.headers == {"content-type": "application/json", **attributes}
    assert unroutable.starts == "open"
