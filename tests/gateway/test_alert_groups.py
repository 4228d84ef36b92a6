"""Many alerts: groups, duplicates, batches, and what is refused again and again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import cast

import pytest
from temporalio.client import Client

from adapters.stores.outbox import SqliteOutbox
from tests.gateway.posting import post, timeline
from tests.gateway.running import Gateway, gateway_over
from tests.gateway.senders import SENDERS, Event, Sender

EACH = pytest.mark.parametrize("sender", SENDERS, ids=str)
GROUPS = pytest.mark.parametrize("sender", [SENDERS[0], SENDERS[1], SENDERS[-1]], ids=str)


def grouped(sender: Sender, *events: Event) -> bytes:
    """Return one message about several alerts."""
    said = [sender.says(event) for event in events]
    members = [member for one in said for member in cast("list[object]", one["alerts"])]
    return json.dumps({**said[0], "alerts": members}).encode()


@GROUPS
@pytest.mark.usefixtures("worker")
async def test_a_group_that_grows_and_shrinks_is_one_incident_with_each_state_once(
    gateway: Gateway, sender: Sender
) -> None:
    a, b, a_over, b_over = Event(), Event(alert="b"), Event("resolved"), Event("resolved", alert="b")
    messages = [[a], [a, b], [a, b], [a_over, b], [a_over, b], [a_over, b], [a_over, b_over]]
    answers = [await post(gateway, sender, grouped(sender, *events)) for events in messages]
    repeated = [[one["repeated"] for one in answer.json()["accepted"]] for answer in answers]
    assert repeated[:4] == [[False], [True, False], [True, True], [False, True]]
    assert repeated[4:] == [[True, True], [True, True], [True, False]]
    assert await timeline(gateway) == ["firing", "firing", "resolved", "resolved"]
    view = await gateway.incidents.view(incident="incident/chat/r2")
    assert view.firing == ()


@GROUPS
async def test_the_good_alerts_of_a_group_are_kept_and_the_others_told(
    gateway: Gateway, sender: Sender
) -> None:
    answer = await post(gateway, sender, grouped(sender, Event(), Event(alert="b", release="a b")))
    assert answer.status_code == 202
    report = answer.json()
    assert [one["fingerprint"] for one in report["accepted"]] == ["a1"]
    assert [one["fingerprint"] for one in report["refused"]] == ["b"]


@EACH
async def test_what_is_refused_is_one_dead_letter_however_often_it_is_told(
    gateway: Gateway, sender: Sender
) -> None:
    for minute in range(3):
        await post(gateway, sender, sender.body(Event(release="", at=minute)))
    letters = await gateway.outbox.dead(limit=10)
    assert len(letters) == 1
    # Another alert is another letter.
    await post(gateway, sender, sender.body(Event(alert="b", release="")))
    assert len(await gateway.outbox.dead(limit=10)) == 2


@pytest.mark.parametrize(
    ("sender", "count"), [(one, 1000 if one.name in {"alertmanager", "datadog"} else 50) for one in SENDERS]
)
async def test_a_thousand_duplicates_at_once_are_one_alert(
    gateway: Gateway, sender: Sender, count: int
) -> None:
    answers = await asyncio.gather(
        *(post(gateway, sender, sender.body(Event(at=number % 50))) for number in range(count))
    )
    assert {answer.status_code for answer in answers} == {202}
    assert gateway.counted("backout_alerts_total", door=sender.name, result="accepted") == 1
    assert gateway.counted("backout_alerts_total", door=sender.name, result="repeated") == count - 1


async def test_an_event_in_binary_mode_is_the_alert_of_its_headers(gateway: Gateway) -> None:
    said = SENDERS[5].says(Event())
    data = json.dumps(said.pop("data")).encode()
    headers = {f"ce-{name}": str(value) for name, value in said.items()}
    answer = await post(gateway, SENDERS[5], data, **{"Content-Type": "application/json"}, **headers)
    assert answer.json()["accepted"][0]["incident"] == "incident/chat/r2"
    again = await post(gateway, SENDERS[5], SENDERS[5].body(Event()))
    assert again.json()["accepted"][0]["repeated"] is True


@pytest.mark.parametrize("sender", [SENDERS[3], SENDERS[5]], ids=str)
async def test_messages_that_come_at_once_are_of_one_episode_in_a_real_outbox(
    client: Client, sender: Sender, tmp_path: Path
) -> None:
    outbox = SqliteOutbox(str(tmp_path / "outbox.db"))
    async with gateway_over(client, outbox) as gateway:
        await asyncio.gather(*(post(gateway, sender, sender.body(Event(at=minute))) for minute in range(20)))
        assert gateway.counted("backout_alerts_total", door=sender.name, result="accepted") == 1
    await outbox.aclose()
