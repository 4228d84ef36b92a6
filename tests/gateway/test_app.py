"""The gateway as a whole: its doors, its health, its metrics, and its answer to a fault."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from temporalio.client import Client

from adapters.stores.memory import MemoryOutbox
from backout.errors import SecretMissing
from gateway.admission import ByToken
from tests.gateway.running import SECRETS, Gateway, connect, gateway_over
from tests.gateway.world import a_member


@pytest.mark.parametrize(
    ("closed", "door", "others"),
    [
        ({"alerts": {}}, "/alerts/alertmanager", ["/slack/commands", "/signals", "/releases"]),
        ({"slack": None}, "/slack/commands", ["/alerts/alertmanager", "/signals", "/events"]),
        ({"pushes": {}}, "/signals", ["/alerts/alertmanager", "/releases", "/events"]),
        ({"releases": None}, "/releases", ["/signals", "/slack/commands"]),
        ({"releases": None}, "/events", ["/signals", "/alerts/alertmanager"]),
    ],
    ids=["alertmanager", "slack", "signals", "releases", "events"],
)
async def test_a_door_without_a_secret_is_not_there_and_the_log_says_so(
    client: Client, caplog: pytest.LogCaptureFixture, closed: dict[str, Any], door: str, others: list[str]
) -> None:
    async with gateway_over(client, secrets=replace(SECRETS, **closed)) as gateway:
        assert (await gateway.http.post(door)).status_code == 404
        for other in others:
            assert (await gateway.http.post(other)).status_code != 404
        assert (await gateway.http.get("/healthz")).status_code == 200
    (told,) = [text for text in caplog.messages if "that door is closed" in text]
    assert re.search(rf"names no secret for .*{door}\b", told)


@pytest.mark.parametrize("empty", ["", " \n"], ids=["empty", "blank"])
@pytest.mark.parametrize(
    ("opened_by", "door"),
    [
        ("alerts", "/alerts/alertmanager"),
        ("slack", "/slack/commands"),
        ("releases", "/releases, /rollouts, /events and /freeze"),
        ("pushes", r"/signals \(judges\)"),
    ],
)
async def test_an_empty_secret_never_opens_a_door(
    client: Client, empty: str, opened_by: str, door: str
) -> None:
    several = {"pushes": {"judges": empty}, "alerts": {"alertmanager": ByToken(("t", empty))}}
    secret: Any = several.get(opened_by, empty)
    with pytest.raises(SecretMissing, match=rf"{door} \(it is empty\)"):
        async with gateway_over(client, secrets=replace(SECRETS, **{opened_by: secret})):
            pass


async def test_health_says_whether_the_engine_answers_and_how_much_waits_for_it(client: Client) -> None:
    async with gateway_over(client) as gateway:
        answer = await gateway.http.get("/healthz")
        assert (answer.status_code, answer.json()) == (200, {"engine": "up", "outbox": {"pending": 0}})
    nowhere = await connect("127.0.0.1:9", lazy=True)
    async with gateway_over(nowhere) as gateway:
        await gateway.post_alerts(a_member(1), a_member(2))
        answer = await gateway.http.get("/healthz")
        assert (answer.status_code, answer.json()) == (503, {"engine": "down", "outbox": {"pending": 2}})


async def test_metrics_show_the_doors_and_the_outbox_as_it_is_now() -> None:
    nowhere = await connect("127.0.0.1:9", lazy=True)
    async with gateway_over(nowhere) as gateway:
        await gateway.post_alerts(a_member(1), a_member(2, env="production"))
        page = await gateway.http.get("/metrics")
    assert page.headers["content-type"].startswith("text/plain")
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
    }
    assert samples["backout_outbox_depth",] == 1
    assert samples["backout_alerts_total", "alertmanager", "accepted"] == 1
    assert samples["backout_alerts_total", "alertmanager", "refused"] == 1
    assert samples["backout_alert_request_seconds_count", "alertmanager"] == 1


async def test_two_gateways_in_one_process_count_apart(client: Client) -> None:
    async with gateway_over(client) as one, gateway_over(client) as other:
        await one.post_alerts(a_member(release="apart"))
        assert one.counted("backout_alerts_total", door="alertmanager", result="accepted") == 1
        assert other.counted("backout_alerts_total", door="alertmanager", result="accepted") is None


async def test_a_fault_is_answered_with_an_id_that_the_log_has_and_with_nothing_else(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = MemoryOutbox()
    async with gateway_over(client, outbox) as gateway:
        outbox.unreachable = True
        answer = await gateway.post_alerts(a_member())
    assert answer.status_code == 500
    fault = answer.json()["error"].split()[2].rstrip(";")
    assert answer.json() == {"error": f"Internal error {fault}; the gateway's log has it under this id."}
    found = [record for record in caplog.records if fault in record.getMessage()]
    assert [record.levelno for record in found] == [logging.ERROR]
    assert found[0].exc_info


async def test_an_alert_that_could_not_be_kept_is_not_called_accepted(client: Client) -> None:
    outbox = MemoryOutbox()
    async with gateway_over(client, outbox) as gateway:
        outbox.unreachable = True
        assert (await gateway.post_alerts(a_member(release="lost"))).status_code == 500
        outbox.unreachable = False
        again = await gateway.post_alerts(a_member(release="lost"))
        assert again.json()["accepted"][0]["repeated"] is False


async def test_an_unknown_place_is_answered_in_json(gateway: Gateway) -> None:
    answer = await gateway.http.get("/nowhere")
    assert (answer.status_code, answer.json()) == (404, {"error": "Not Found"})
