"""One incident is one alert in PagerDuty, and whoever must hear is called."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import web

from adapters.channels.pagerduty import PagerDutyEvents
from backout.errors import RateLimited, RejectedBySystem
from backout.messages import Message, State
from backout.people import Person
from backout.severity import Severity
from tests.adapters.conftest import Serve
from tests.adapters.pagers import ROUTING_KEY, PagerDutyWorld

ANN = Person(name="Ann", email="ann@example.org")
PAGE = Message(
    title="CRITICAL: chat r2", text="errors", incident="incident/chat/r2", severity=Severity.CRITICAL
)
NEWS = PAGE.model_copy(update={"title": "", "thread": "x:1"})


@pytest.fixture
async def world() -> AsyncIterator[PagerDutyWorld]:
    world = PagerDutyWorld()
    await world.start()
    yield world
    await world.stop()


@pytest.fixture
async def pager(world: PagerDutyWorld) -> AsyncIterator[PagerDutyEvents]:
    pager = world.open()
    yield pager
    await pager.aclose()


def now(state: State) -> Message:
    return PAGE.model_copy(update={"state": state})


async def test_the_event_has_what_pagerduty_documents(world: PagerDutyWorld, pager: PagerDutyEvents) -> None:
    await pager.post(message=PAGE.model_copy(update={"link": "https://b.example/7"}), people=(ANN,))
    assert world.taken == [
        {
            "routing_key": ROUTING_KEY,
            "event_action": "trigger",
            "dedup_key": "incident/chat/r2",
            "payload": {
                "summary": "CRITICAL: chat r2",
                "source": "chat/r2",
                "severity": "critical",
                "custom_details": {"text": "errors", "called": "Ann"},
            },
            "client": "Backout",
            "client_url": "https://b.example/7",
            "links": [{"href": "https://b.example/7", "text": "The incident"}],
        }
    ]


async def test_an_incident_is_one_alert_until_it_is_closed(
    world: PagerDutyWorld, pager: PagerDutyEvents
) -> None:
    posted = await pager.post(message=PAGE, people=(ANN,))
    again = await pager.post(message=PAGE, people=(ANN,))
    for state in ("acknowledged", "acknowledged", "closed", "closed"):
        await pager.update(ref=posted.ref, message=now(state))
    assert again == posted
    ((key, alert),) = world.alerts.items()
    assert (key, alert.state, alert.calls) == ("incident/chat/r2", "resolved", 1)
    assert alert.events == ["trigger", "trigger", "acknowledge", "acknowledge", "resolve"]


async def test_an_alert_that_was_resolved_in_pagerduty_is_not_opened_by_an_update(
    world: PagerDutyWorld, pager: PagerDutyEvents
) -> None:
    posted = await pager.post(message=PAGE, people=(ANN,))
    world.apply(posted.ref, "resolve")
    await pager.update(ref=posted.ref, message=now("open"))
    assert world.alerts[posted.ref].state == "resolved"


@pytest.mark.parametrize("state", ["acknowledged", "lapsed"])
async def test_a_page_for_an_incident_that_is_or_was_owned_calls_again(
    world: PagerDutyWorld, pager: PagerDutyEvents, state: State
) -> None:
    posted = await pager.post(message=PAGE, people=(ANN,))
    await pager.update(ref=posted.ref, message=now("acknowledged"))
    await pager.update(ref=posted.ref, message=now(state))
    await pager.post(message=now(state), people=(ANN,))
    assert world.alerts[posted.ref].state == "triggered"
    assert world.alerts[posted.ref].calls == 1
    assert world.alerts[posted.ref].events[-2:] == ["resolve", "trigger"]


async def test_news_that_call_nobody_call_nobody_there(world: PagerDutyWorld, pager: PagerDutyEvents) -> None:
    await pager.post(message=NEWS, people=())
    assert world.alerts == {}
    await pager.post(message=NEWS, people=(ANN,))
    assert [alert.calls for alert in world.alerts.values()] == [1]


async def test_a_notice_about_no_incident_is_an_alert_of_its_own_and_sent_again_the_same(
    world: PagerDutyWorld, pager: PagerDutyEvents
) -> None:
    notice = Message(title="", text="First line\nSecond", key="run/7")
    for message in (notice, notice, notice.model_copy(update={"key": "run/8"})):
        await pager.post(message=message, people=())
    assert [alert.calls for alert in world.alerts.values()] == [1, 1]
    assert {event["payload"]["summary"] for event in world.taken} == {"First line"}
    assert {event["payload"]["severity"] for event in world.taken} == {"info"}


async def test_a_release_of_a_long_name_still_has_one_key(
    world: PagerDutyWorld, pager: PagerDutyEvents
) -> None:
    long = PAGE.model_copy(update={"incident": "incident/chat/" + "r" * 300})
    assert await pager.post(message=long, people=()) == await pager.post(message=long, people=())
    assert [len(event["dedup_key"]) <= 255 for event in world.taken] == [True, True]


async def test_what_pagerduty_finds_wrong_is_told_without_the_key(world: PagerDutyWorld) -> None:
    short = PagerDutyEvents("k3y-too-short", timedelta(seconds=30), world.url)
    with pytest.raises(
        RejectedBySystem, match=r"400: Length of 'routing_key' is incorrect .*; see that the rou"
    ):
        await short.post(message=PAGE, people=())
    stranger = world.open(wrong=True)
    with pytest.raises(RejectedBySystem, match=r"'routing_key' \(the routing key\) is of no integration"):
        await stranger.post(message=PAGE, people=())
    await short.aclose()
    await stranger.aclose()


@pytest.mark.parametrize(
    ("said", "pause_s"),
    [("45", 45), ("5", 30), ("", 30), ("soon", 30), ("²", 30), ("-1", 30), ("9" * 400, 30), ("99999", 3600)],
)
async def test_a_limit_is_kept_for_as_long_as_pagerduty_says_within_reason(
    serve: Serve, said: str, pause_s: float
) -> None:
    async def limited(_request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": said} if said else {})

    pager = PagerDutyEvents(ROUTING_KEY, timedelta(seconds=30), await serve(limited))
    with pytest.raises(RateLimited) as caught:
        await pager.post(message=PAGE, people=())
    assert caught.value.retry_after_s == pause_s
    await pager.aclose()


@pytest.mark.parametrize("body", ["", "[]", '"x"', '{"errors": "x"}', json.dumps({"errors": [{}, 7]})])
async def test_a_refusal_in_another_form_is_still_a_refusal(serve: Serve, body: str) -> None:
    async def refusing(_request: web.Request) -> web.Response:
        return web.Response(status=400, text=body)

    pager = PagerDutyEvents(ROUTING_KEY, timedelta(seconds=30), await serve(refusing))
    with pytest.raises(RejectedBySystem, match="it answered 400"):
        await pager.post(message=PAGE, people=())
    await pager.aclose()
