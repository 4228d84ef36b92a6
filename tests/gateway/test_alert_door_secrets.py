"""Who gets in through an alert door, and who does not: forged, replayed, rotated."""

from __future__ import annotations

import time
from collections.abc import Collection

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.routing import Route
from temporalio.client import Client

from adapters.stores.memory import MemoryOutbox, MemoryRegistry
from backout.doors import DoorRate
from backout.outbox import OutboxEntry
from backout.senders.message import Heard, Message
from gateway.admission import ByToken
from gateway.alerts import AlertDoor, Desk
from gateway.delivery import Delivery
from gateway.incidents import Incidents
from gateway.metrics import Metrics
from tests.gateway.posting import nothing_is_kept, post
from tests.gateway.running import Gateway, as_bytes
from tests.gateway.senders import SENDERS, Event, Sender, bearer, grafana_signature
from tests.gateway.world import ENVIRON, TOKEN

EACH = pytest.mark.parametrize("sender", SENDERS, ids=str)


@EACH
async def test_without_the_secret_nothing_is_kept_and_nothing_is_told(
    gateway: Gateway, sender: Sender
) -> None:
    body = sender.body(Event())
    shown = sender.shows(body, sender.secrets[-1])
    wrong = [
        {},
        sender.shows(body, "wr0ng"),
        sender.shows(b"another body", "wr0ng"),
        dict.fromkeys(shown, ""),
        dict.fromkeys(shown, "\u00e9"),
        {name: value + "x" for name, value in shown.items()},
        {"Authorization": f"Bearer {ENVIRON['NEW']}x"},
        {"Authorization": "Basic !!!"},
    ]
    for headers in wrong:
        sent = {"Content-Type": sender.media_type, **headers}
        answer = await gateway.http.post(f"/alerts/{sender}", content=body, headers=as_bytes(sent))
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"]
        assert answer.json() == {"error": "Unauthorized"}
    assert await nothing_is_kept(gateway)
    assert gateway.counted("backout_alerts_total", door=sender.name, result="forged") == len(wrong)


@EACH
async def test_who_shows_nothing_is_not_read(gateway: Gateway, sender: Sender) -> None:
    large = b" " * (1024 * 1024 + 1)
    headers = {"Content-Type": sender.media_type}
    assert (await gateway.http.post(f"/alerts/{sender}", content=large, headers=headers)).status_code == 401


@pytest.mark.parametrize("sender", [one for one in SENDERS if one.shows != bearer], ids=str)
async def test_a_token_that_opens_another_door_opens_none_but_that(gateway: Gateway, sender: Sender) -> None:
    body = sender.body(Event())
    for secret in (TOKEN, *ENVIRON.values()):
        headers = {"Content-Type": sender.media_type, "Authorization": f"Bearer {secret}"}
        assert (
            await gateway.http.post(f"/alerts/{sender}", content=body, headers=headers)
        ).status_code == 401


@EACH
async def test_while_a_secret_is_rotated_the_old_and_the_new_one_open_the_door(
    gateway: Gateway, sender: Sender
) -> None:
    body = sender.body(Event())
    for secret in sender.secrets:
        headers = sender.headers(body, secret)
        answer = await gateway.http.post(f"/alerts/{sender}", content=body, headers=headers)
        assert answer.status_code == 202


@pytest.mark.parametrize("sender", [SENDERS[1], SENDERS[2], SENDERS[-1]], ids=str)
async def test_a_signature_is_for_one_body_only(gateway: Gateway, sender: Sender) -> None:
    headers = sender.headers(sender.body(Event()))
    forged = sender.body(Event(release="r9"))
    answer = await gateway.http.post(f"/alerts/{sender}", content=forged, headers=headers)
    assert answer.status_code == 401
    assert await nothing_is_kept(gateway)


@pytest.mark.parametrize(
    ("age_s", "status"),
    [(0, 202), (290, 202), (-290, 202), (310, 401), (-310, 401), (86_400, 401)],
    ids=["new", "within", "ahead", "old", "far ahead", "a day old"],
)
async def test_a_signed_message_outside_its_window_is_a_replay(
    gateway: Gateway, age_s: int, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    sender = SENDERS[1]
    body = sender.body(Event())
    headers = {"Content-Type": sender.media_type}
    headers |= grafana_signature(body, ENVIRON["NEW"], at=time.time() - age_s)
    answer = await gateway.http.post("/alerts/grafana", content=body, headers=headers)
    assert answer.status_code == status
    assert ("refused as a replay" in caplog.text) is (status == 401)
    assert not any(secret in caplog.text for secret in ENVIRON.values())


async def test_a_time_that_was_not_signed_is_not_believed(gateway: Gateway) -> None:
    sender = SENDERS[1]
    body = sender.body(Event())
    old = grafana_signature(body, ENVIRON["NEW"], at=time.time() - 900)
    renewed = {**old, "X-Grafana-Alerting-Timestamp": str(int(time.time()))}
    for headers in (renewed, {**old, "X-Grafana-Alerting-Timestamp": "soon"}):
        assert (await post(gateway, sender, body, **headers)).status_code == 401


@EACH
async def test_no_secret_is_in_what_is_kept_told_or_logged(
    gateway: Gateway, sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    answers = [await post(gateway, sender, body) for body in (sender.body(Event()), b"{")]
    kept: list[OutboxEntry] = [*await gateway.outbox.dead(limit=9), *await gateway.outbox.pending(limit=9)]
    told = "".join([*(answer.text for answer in answers), *map(repr, kept), caplog.text])
    assert not any(secret in told for secret in (TOKEN, *ENVIRON.values()))


async def test_what_opens_a_door_stays_outside_it(client: Client) -> None:
    inside: list[Message] = []

    def hear(message: Message, _: Collection[str]) -> Heard:
        inside.append(message)
        return Heard(ignored="only listening")

    outbox, metrics = MemoryOutbox(), Metrics(CollectorRegistry())
    delivery = Delivery(
        outbox=outbox,
        incidents=Incidents(client=client),
        playbooks={},
        registry=MemoryRegistry(),
        metrics=metrics,
    )
    desk = Desk(outbox=outbox, delivery=delivery, routes=(), playbooks={}, metrics=metrics)
    door = AlertDoor(sender="x", hear=hear, way_in=ByToken(("s3cret",)), rate=DoorRate(), desk=desk)
    app = Starlette(routes=[Route("/", door.receive, methods=["POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://door") as http:
        headers = {"Authorization": "Bearer s3cret", "Content-Type": "application/json", "Ce-Id": "1"}
        assert (await http.post("/", content=b"{}", headers=headers)).status_code == 202
    assert inside == [Message(body=b"{}", headers={"content-type": "application/json", "ce-id": "1"})]
