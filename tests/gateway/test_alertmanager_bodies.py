"""Reading Alertmanager's bodies, captured and malformed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from backout.alerts import Alert
from backout.errors import InvalidDocument
from backout.senders.alertmanager import parse_alertmanager
from tests.gateway.world import CAPTURED_EPISODE, a_group, a_member, captured


def test_a_captured_alert_is_read_with_all_that_it_says() -> None:
    (alert,) = parse_alertmanager(captured("firing-single-bearer"))
    assert alert.episode == CAPTURED_EPISODE
    assert (alert.status, alert.name) == ("firing", "HallucinationRateHigh")
    assert alert.summary == "chat-2026.11 80.0 hallucinations per 10k outputs"
    assert alert.labels["release"] == "chat-2026.11"
    assert alert.link
    assert alert.link.startswith("http://prometheus.example:9090/graph")


def test_every_member_of_a_captured_group_is_an_alert_of_its_own() -> None:
    grown = parse_alertmanager(captured("group-grew-to-two"))
    assert [alert.name for alert in grown] == ["HallucinationRateHigh", "ModerationFailuresHigh"]
    assert grown == parse_alertmanager(captured("repeat-unchanged"))


def test_the_captured_end_of_an_alert_is_the_same_episode_resolved() -> None:
    (resolved,) = parse_alertmanager(captured("resolved-single"))
    _, fired = parse_alertmanager(captured("group-grew-to-two"))
    assert resolved.status == "resolved"
    assert resolved.episode == fired.episode


def test_a_firing_group_can_have_a_resolved_member() -> None:
    alerts = parse_alertmanager(a_group(a_member(1), a_member(2, status="resolved")))
    assert [alert.status for alert in alerts] == ["firing", "resolved"]


def test_one_moment_is_one_episode_in_every_time_zone_and_precision() -> None:
    written = ("2026-01-05T09:00:00Z", "2026-01-05T11:00:00+02:00", "2026-01-05T09:00:00.000000001Z")
    alerts = parse_alertmanager(a_group(*({**a_member(), "startsAt": moment} for moment in written)))
    assert {alert.episode for alert in alerts} == {"alertmanager/f1/2026-01-05T09:00:00+00:00"}
    assert alerts[1].starts_at == datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_fields_of_newer_senders_are_passed_over() -> None:
    body = json.loads(a_group({**a_member(), "novelty": 1}))
    assert parse_alertmanager(json.dumps({**body, "orgId": 1}).encode())


def an_alert_with(*, labels: dict[str, str] | None = None, **changes: object) -> Alert:
    named = {"alertname": "Bad", "release": "r2", **(labels or {})}
    member = {**a_member(), "labels": named, **changes}
    (alert,) = parse_alertmanager(a_group(member), routed_by={"zone", "release"})
    return alert


def test_long_texts_are_cut_and_an_ellipsis_says_so() -> None:
    long = "é" * 1001
    alert = an_alert_with(labels={"alertname": long, long: "x", "zone": long}, annotations={"summary": long})
    assert alert.name == "é" * 199 + "…"
    assert alert.summary == "é" * 499 + "…"
    assert alert.labels["zone"] == "é" * 199 + "…"
    assert alert.labels["é" * 99 + "…"] == "x"


def test_texts_of_the_greatest_length_are_whole() -> None:
    labels = {"alertname": "n" * 200, "k" * 100: "v" * 200, **{f"l{n:02}": "" for n in range(37)}}
    alert = an_alert_with(labels=labels, annotations={"description": "s" * 500})
    assert (len(alert.name), len(alert.summary)) == (200, 500)
    assert len(alert.labels) == 40
    assert "…" not in f"{alert}"


def test_an_alert_with_too_many_labels_keeps_those_that_routes_ask_for_and_says_how_many_are_gone() -> None:
    alert = an_alert_with(labels={**{f"a{n:04}": "" for n in range(1000)}, "zone": "north"})
    assert len(alert.labels) == 40
    assert (alert.labels["zone"], alert.labels["release"]) == ("north", "r2")
    assert alert.labels["…"] == "964 more"


def test_a_link_that_is_too_long_is_none() -> None:
    base = "http://x/"
    assert an_alert_with(generatorURL=base + "y" * 991).link
    assert an_alert_with(generatorURL=base + "y" * 992).link is None


def test_a_body_holds_500_alerts_and_not_more() -> None:
    members = [a_member(number) for number in range(501)]
    assert len(parse_alertmanager(a_group(*members[:500]))) == 500
    with pytest.raises(InvalidDocument, match=r"^alerts: 501 alerts in one body, and it may hold 500\. Set"):
        parse_alertmanager(a_group(*members))


@pytest.mark.parametrize("link", ["", "javascript:alert(1)", "http://a b", "https://a|b>", "//a"])
def test_what_is_no_plain_web_address_is_no_link(link: str) -> None:
    (alert,) = parse_alertmanager(a_group({**a_member(), "generatorURL": link}))
    assert alert.link is None


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param(b"{", "body: Invalid JSON", id="half a body"),
        pytest.param(b"[]", "body: Input should be an object", id="a list"),
        pytest.param(b"{}", "alerts: Field required", id="no alerts"),
        pytest.param(a_group(), "alerts: Tuple should have at least 1 item", id="an empty group"),
        pytest.param(
            a_group({**a_member(), "status": "pending"}),
            "alerts[0].status: Input should be 'firing' or",
            id="status",
        ),
        pytest.param(
            a_group({**a_member(), "startsAt": "soon"}), "alerts[0].startsAt: Input", id="no moment"
        ),
        pytest.param(
            a_group({**a_member(), "startsAt": "2026-01-05T09:00:00"}),
            "alerts[0].startsAt: Input should have timezone info",
            id="no time zone",
        ),
        pytest.param(
            a_group(a_member(), {**a_member(), "fingerprint": ""}),
            "alerts[1].fingerprint: String",
            id="fingerprint",
        ),
        pytest.param(
            a_group({**a_member(), "fingerprint": "f" * 201}),
            "alerts[0].fingerprint: String should have at most 200",
            id="a fingerprint without end",
        ),
        pytest.param(
            a_group(a_member(alertname="")), "alerts[0].labels: Value error, 'alertname'", id="no name"
        ),
        pytest.param(
            a_group({**a_member(), "labels": {"alertname": "A", "n": 1}}),
            "alerts[0].labels.n: Input should be a valid string",
            id="a number for a label",
        ),
        pytest.param(b"[" * 100_000, "body: Invalid JSON: recursion limit", id="a nest"),
        pytest.param(b"\xff\xfe", "body: Invalid JSON", id="no text"),
    ],
)
def test_a_malformed_body_is_refused_with_the_place_of_the_problem(body: bytes, problem: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        parse_alertmanager(body)
    assert str(refused.value).startswith(problem)
