"""POST /alerts/alertmanager: who gets in, what is kept, and what is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from backout.errors import IncidentUnknown
from backout.timeline import AlertReceived
from backout.view import IncidentView
from tests.gateway.running import Gateway, eventually
from tests.gateway.world import TOKEN, a_group, a_member, captured


def received(view: IncidentView) -> list[tuple[str, str]]:
    alerts = [event.alert for event in view.timeline if isinstance(event, AlertReceived)]
    return [(alert.name, alert.status) for alert in alerts]


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Bearer {TOKEN}x",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer s\u00e9cret",
    ],
)
async def test_without_the_token_nothing_is_read_and_nothing_is_told(
    gateway: Gateway, authorization: str
) -> None:
    answer = await gateway.post_body(b"{", Authorization=authorization)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json() == {"error": "Unauthorized"}
    assert await gateway.outbox.dead(limit=1) == ()


@pytest.mark.usefixtures("worker")
async def test_a_captured_alert_opens_the_incident_that_its_route_names(gateway: Gateway) -> None:
    answer = await gateway.post_body(captured("firing-single-bearer"))
    assert answer.status_code == 202
    assert answer.json() == {
        "accepted": [
            {
                "alert": "HallucinationRateHigh",
                "fingerprint": "5b874e468fc2efdd",
                "status": "firing",
                "incident": "incident/chat/chat-2026.11",
                "repeated": False,
            }
        ],
        "refused": [],
    }
    await gateway.delivered()
    view = await gateway.incidents.view(incident="incident/chat/chat-2026.11")
    assert [alert.name for alert in view.firing] == ["HallucinationRateHigh"]


@pytest.mark.usefixtures("worker")
async def test_the_captured_life_of_a_group_is_one_incident_with_each_state_once(gateway: Gateway) -> None:
    bodies = ("firing-single-bearer", "group-grew-to-two", "repeat-unchanged", "resolved-single")
    answers = [(await gateway.post_body(captured(body))).json()["accepted"] for body in bodies]
    repeated = [[alert["repeated"] for alert in accepted] for accepted in answers]
    assert repeated == [[False], [True, False], [True, True], [False]]
    await gateway.delivered()
    view = await gateway.incidents.view(incident="incident/chat/chat-2026.11")
    assert received(view) == [
        ("HallucinationRateHigh", "firing"),
        ("ModerationFailuresHigh", "firing"),
        ("ModerationFailuresHigh", "resolved"),
    ]
    assert gateway.counted("backout_alerts_total", door="alertmanager", result="repeated") == 3
    assert gateway.counted("backout_alerts_total", door="alertmanager", result="accepted") == 3


async def test_an_alert_that_no_route_takes_is_refused_with_the_routes_and_kept_as_a_dead_letter(
    gateway: Gateway,
) -> None:
    answer = await gateway.post_alerts(a_member(env="production"))
    assert answer.status_code == 422
    report = answer.json()
    assert report["accepted"] == []
    assert report["refused"][0]["why"].startswith("No route takes alert 'Bad'.")
    assert report["routes"] == [
        "playbook=llm-chat, env=staging -> chat-agent by label release",
        "service=painter -> image-generator by label version",
    ]
    (letter,) = await gateway.outbox.dead(limit=10)
    assert letter.alert
    assert letter.alert.labels["env"] == "production"
    assert letter.why == report["refused"][0]["why"]
    assert await gateway.outbox.depth() == 0
    assert gateway.counted("backout_alerts_total", door="alertmanager", result="refused") == 1


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ({"release": "no release"}, "Alert 'Bad' names no release: label 'release' is 'no release'."),
        (
            {"playbook": "x", "service": "painter", "version": "r1"},
            "Unknown playbook 'image-generator'. Known:",
        ),
    ],
    ids=["no release", "a playbook that is not loaded"],
)
async def test_what_cannot_be_routed_is_refused_with_the_reason(
    gateway: Gateway, labels: dict[str, str], why: str
) -> None:
    answer = await gateway.post_alerts({**a_member(), "labels": {**a_member()["labels"], **labels}})  # type: ignore[dict-item]
    assert answer.status_code == 422
    assert answer.json()["refused"][0]["why"].startswith(why)


async def test_labels_that_routes_ask_for_are_seen_among_however_many(gateway: Gateway) -> None:
    named = {"alertname": "Bad", "playbook": "llm-chat", "env": "staging", "release": "r2"}
    many = {f"a{number:03}": "x" for number in range(100)}
    answer = await gateway.post_alerts({**a_member(), "labels": {**many, **named}})
    assert answer.json()["accepted"][0]["incident"] == "incident/chat/r2"


async def test_a_release_that_is_too_long_is_refused_and_never_cut_to_another(gateway: Gateway) -> None:
    answer = await gateway.post_alerts(a_member(release="r" * 300))
    assert answer.status_code == 422
    assert "It must be 1 to 128 letters" in answer.json()["refused"][0]["why"]


async def test_a_refused_alert_is_one_dead_letter_however_often_it_is_sent(gateway: Gateway) -> None:
    for _ in range(3):
        await gateway.post_alerts(a_member(env="production"))
    assert len(await gateway.outbox.dead(limit=10)) == 1


@pytest.mark.usefixtures("worker")
async def test_the_good_alerts_of_a_group_are_kept_and_the_others_reported(gateway: Gateway) -> None:
    answer = await gateway.post_alerts(a_member(1), a_member(2, env="production"), a_member(3, release="r3"))
    assert answer.status_code == 202
    report = answer.json()
    assert [alert["incident"] for alert in report["accepted"]] == ["incident/chat/r2", "incident/chat/r3"]
    assert [alert["fingerprint"] for alert in report["refused"]] == ["f2"]
    await gateway.delivered()
    for incident in ("incident/chat/r2", "incident/chat/r3"):
        assert (await gateway.incidents.view(incident=incident)).summary.alerts == 1


async def test_a_malformed_body_is_refused_with_the_place_and_kept_as_a_dead_letter(gateway: Gateway) -> None:
    body = a_group(a_member(1), {**a_member(2), "startsAt": "soon"})
    answer = await gateway.post_body(body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("alerts[1].startsAt: Input should be a valid datetime")
    (letter,) = await gateway.outbox.dead(limit=10)
    assert letter.body == body.decode()
    assert letter.alert is None
    assert await gateway.outbox.depth() == 0


async def test_a_dead_letter_holds_no_more_than_64_kib_of_a_body(gateway: Gateway) -> None:
    await gateway.post_body(b"x" * 100_000)
    (letter,) = await gateway.outbox.dead(limit=10)
    assert len(letter.body) == 65_536


async def test_a_body_above_one_mebibyte_is_refused_before_it_is_kept(gateway: Gateway) -> None:
    answer = await gateway.post_body(b" " * (1024 * 1024 + 1))
    assert answer.status_code == 413
    assert answer.json() == {"error": "The body is above 1048576 bytes."}
    assert await gateway.outbox.dead(limit=1) == ()


async def test_an_endless_body_is_cut_off_while_it_is_read(gateway: Gateway) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 65_536

    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    answer = await gateway.http.post("/alerts/alertmanager", content=endless(), headers=headers)
    assert answer.status_code == 413
    assert sent == 17


async def test_a_body_of_another_type_is_refused(gateway: Gateway) -> None:
    answer = await gateway.post_body(captured("firing-single-bearer"), **{"Content-Type": "text/plain"})
    assert answer.status_code == 415
    assert answer.json() == {"error": "Send application/json, not 'text/plain'."}


async def test_another_method_is_refused(gateway: Gateway) -> None:
    assert (await gateway.http.get("/alerts/alertmanager")).status_code == 405


async def test_a_resolved_alert_without_an_incident_starts_none(gateway: Gateway) -> None:
    answer = await gateway.post_alerts(a_member(status="resolved", release="quiet"))
    assert answer.status_code == 202
    await gateway.delivered()
    with pytest.raises(IncidentUnknown):
        await gateway.incidents.resolve(text="chat/quiet")
    assert gateway.counted("backout_deliveries_total", result="ignored") == 1


@pytest.mark.usefixtures("worker")
async def test_a_group_with_a_resolved_and_a_firing_member_opens_one_incident(gateway: Gateway) -> None:
    await gateway.post_alerts(a_member(1), a_member(2, status="resolved"))
    await gateway.delivered()
    view = await gateway.incidents.view(incident="incident/chat/r2")
    assert received(view) == [("Bad", "firing")]
    assert view.summary.alerts == 2


@pytest.mark.usefixtures("worker")
async def test_a_storm_of_200_alerts_is_one_run_in_which_all_count(gateway: Gateway) -> None:
    storm = (gateway.post_alerts(a_member(number, release="storm")) for number in range(200))
    answers = await asyncio.gather(*storm)
    assert {answer.status_code for answer in answers} == {202}
    await gateway.delivered()
    view = await gateway.incidents.view(incident="incident/chat/storm")
    assert view.summary.alerts == 200

    async def statuses() -> list[str]:
        runs = await gateway.incidents.listing(limit=1000, open_only=False)
        return [run.status for run in runs if run.short == "chat/storm"]

    assert await eventually(statuses) == ["running"]
    assert gateway.counted("backout_deliveries_total", result="delivered") == 200
