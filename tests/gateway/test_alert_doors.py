"""Every alert door: what its sender's messages do, and what does nothing."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from temporalio.client import Client

from tests.gateway.posting import nothing_is_kept, post, tell, timeline
from tests.gateway.running import Gateway, gateway_over
from tests.gateway.senders import SENDERS, Event, Said, Sender
from tests.gateway.world import with_rate

EACH = pytest.mark.parametrize("sender", SENDERS, ids=str)


@EACH
@pytest.mark.usefixtures("worker")
async def test_an_alert_fires_and_resolves_in_the_incident_of_its_release(
    gateway: Gateway, sender: Sender
) -> None:
    told = await tell(gateway, sender, Event(), Event("resolved", at=5))
    assert told == ["incident/chat/r2", "incident/chat/r2"]
    assert await timeline(gateway) == ["firing", "resolved"]
    view = await gateway.incidents.view(incident="incident/chat/r2")
    assert view.firing == ()


@EACH
async def test_a_repeat_and_an_end_that_is_told_thrice_change_nothing(
    gateway: Gateway, sender: Sender
) -> None:
    ends = [Event("resolved", at=5), Event("resolved", at=5), Event("resolved", at=6)]
    told = await tell(gateway, sender, Event(), Event(), *ends)
    assert told[1] == "repeated"
    assert told[3:] == ["repeated", "repeated"]
    assert gateway.counted("backout_alerts_total", door=sender.name, result="accepted") == 2
    assert gateway.counted("backout_alerts_total", door=sender.name, result="repeated") == 3


@EACH
@pytest.mark.usefixtures("worker")
async def test_a_refire_is_a_new_episode_and_its_end_is_its_own(gateway: Gateway, sender: Sender) -> None:
    first = [Event(), Event("resolved", at=5)]
    again = [Event(began=10, at=10, again=True), Event("resolved", began=10, at=15, again=True)]
    assert "repeated" not in await tell(gateway, sender, *first, *again)
    assert await timeline(gateway) == ["firing", "resolved", "firing", "resolved"]
    view = await gateway.incidents.view(incident="incident/chat/r2")
    assert view.firing == ()


@EACH
async def test_what_is_told_again_after_a_silence_is_no_second_incident(
    gateway: Gateway, sender: Sender
) -> None:
    renotified = {
        "datadog": {"alert_transition": "Renotify"},
        "pagerduty": None,  # It says what happens once: a silence is not told again.
    }.get(sender.name, {})
    if renotified is None:
        assert await tell(gateway, sender, Event(), Event(at=8)) == ["incident/chat/r2", "repeated"]
        return
    await tell(gateway, sender, Event())
    answer = await post(gateway, sender, json.dumps({**sender.says(Event(at=8)), **renotified}).encode())
    assert answer.json()["accepted"][0]["repeated"] is True


@EACH
async def test_alerts_of_two_releases_are_two_incidents(gateway: Gateway, sender: Sender) -> None:
    told = await tell(gateway, sender, Event(alert="a"), Event(alert="b", release="r3"))
    assert told == ["incident/chat/r2", "incident/chat/r3"]


@EACH
async def test_what_no_route_takes_is_a_dead_letter_and_is_taken_once_it_can_be(
    gateway: Gateway, sender: Sender
) -> None:
    answer = await post(gateway, sender, sender.body(Event(release="")))
    assert answer.status_code == 422
    assert "names no release" in answer.json()["refused"][0]["why"]
    (letter,) = await gateway.outbox.dead(limit=10)
    assert (letter.source, letter.alert is not None) == (sender.name, True)
    assert await tell(gateway, sender, Event()) == ["incident/chat/r2"]


@EACH
async def test_a_body_that_is_too_large_or_of_another_type_is_refused(
    gateway: Gateway, sender: Sender
) -> None:
    large = b" " * (1024 * 1024 + 1)
    assert (await post(gateway, sender, large)).status_code == 413
    other = await post(gateway, sender, sender.body(Event()), **{"Content-Type": "text/xml"})
    assert other.status_code == 415
    assert "text/xml" in other.json()["error"]
    assert await nothing_is_kept(gateway)


def without(said: Said, place: str) -> Said:
    """Return what is said without the field at a place such as `alerts[0].name`."""
    changed = copy.deepcopy(said)
    *way, last = place.replace("[0]", ".0").split(".")
    inner: Any = changed
    for part in way:
        inner = inner[int(part) if part.isdecimal() else part]
    del inner[last]
    return changed


def with_value(said: Said, place: str, value: object) -> Said:
    changed = copy.deepcopy(said)
    *way, last = place.replace("[0]", ".0").split(".")
    inner: Any = changed
    for part in way:
        inner = inner[int(part) if part.isdecimal() else part]
    inner[last] = value
    return changed


@EACH
async def test_what_does_not_fit_is_refused_with_its_place_and_kept_as_a_dead_letter(
    gateway: Gateway, sender: Sender
) -> None:
    said = sender.says(Event())
    wrong = {
        b"{": "body",
        b"[]": "body",
        b"\xff": "body",
        json.dumps(without(said, sender.needs)).encode(): sender.needs,
        json.dumps(without(said, sender.moment)).encode(): sender.moment,
        json.dumps(with_value(said, sender.moment, "soon")).encode(): sender.moment,
        json.dumps(with_value(said, sender.moment, "2026-01-05T09:00:00")).encode(): sender.moment,
        json.dumps(with_value(said, sender.moment, "0001-01-01T00:00:00+05:00")).encode(): sender.moment,
        json.dumps(with_value(said, sender.moment, 10**30)).encode(): sender.moment,
    }
    for body, place in wrong.items():
        answer = await post(gateway, sender, body)
        assert answer.status_code == 400, body
        assert answer.json()["error"].startswith(f"{place}: "), answer.json()
    letters = await gateway.outbox.dead(limit=20)
    assert {(letter.source, letter.alert) for letter in letters} == {(sender.name, None)}
    assert len(letters) == len(wrong)
    assert await gateway.outbox.depth() == 0


@EACH
async def test_a_fingerprint_that_is_too_long_is_refused_and_never_cut(
    gateway: Gateway, sender: Sender
) -> None:
    if sender.name == "cloudevents":
        return  # It is a digest there, unless the data says one.
    answer = await post(gateway, sender, sender.body(Event(alert="f" * 300)))
    assert answer.status_code == 400
    assert "at most" in answer.json()["error"]


@pytest.mark.parametrize(
    ("sender", "said"),
    [
        pytest.param(one, said, id=f"{one} {number}")
        for one in SENDERS
        for number, said in enumerate(one.ignores)
    ],
)
async def test_a_message_that_is_no_alert_is_acknowledged_and_ignored_with_the_reason(
    gateway: Gateway, sender: Sender, said: Said
) -> None:
    answer = await post(gateway, sender, json.dumps(said).encode())
    assert answer.status_code == 202
    report = answer.json()
    assert (report["accepted"], report["refused"]) == ([], [])
    assert report["ignored"]
    assert await nothing_is_kept(gateway)
    assert gateway.counted("backout_alerts_total", door=sender.name, result="ignored") == 1


@EACH
async def test_fields_of_newer_versions_are_passed_over(gateway: Gateway, sender: Sender) -> None:
    said = {**sender.says(Event()), "novelty": 1}
    answer = await post(gateway, sender, json.dumps(said).encode())
    # The generic form is ours: there, what is not known is a mistake.
    assert answer.status_code == (400 if sender.name == "generic" else 202)


@EACH
async def test_a_sender_that_sends_too_much_is_told_to_come_again(client: Client, sender: Sender) -> None:
    slow = with_rate(sender.name, {"per_s": 0.001, "burst": 1})
    async with gateway_over(client, site=slow) as gateway:
        forged = dict.fromkeys(sender.shows(b"", ""), "x")
        # Who is not let in uses nothing up.
        assert (await post(gateway, sender, b"{}", **forged)).status_code == 401
        await tell(gateway, sender, Event())
        refused = await post(gateway, sender, sender.body(Event(release="r3")))
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) > 0
        assert gateway.counted("backout_alerts_total", door=sender.name, result="limited") == 1
        assert gateway.counted("backout_alerts_total", door=sender.name, result="accepted") == 1
