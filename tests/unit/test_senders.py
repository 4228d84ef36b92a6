"""What senders post, documented and bent, read into alerts."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from backout.errors import InvalidDocument
from backout.senders import datadog, generic, grafana, opsgenie, pagerduty
from backout.senders.known import SENDERS, guessed
from backout.senders.message import Message
from backout.senders.tags import labels_of_tags
from tests.gateway import senders
from tests.unit.documented import documented, message, told


def test_grafana_s_documented_message_is_an_alert_with_its_start_in_utc() -> None:
    one = told(grafana.hear, documented("grafana-unified-v1"))
    assert one.alert.episode == "grafana/c6eadffa33fcdf37/2021-10-12T07:51:03.157076+00:00"
    assert (one.alert.name, one.alert.status, one.starts) == ("High memory usage", "firing", "said")
    assert one.alert.summary == "This alert was triggered for zone us-1"
    assert one.alert.labels["zone"] == "us-1"
    assert one.alert.link == "https://play.grafana.org/alerting/1afz29v7z/edit"


def test_a_group_of_grafana_s_holds_500_alerts_and_not_more() -> None:
    said = documented("grafana-unified-v1")
    (member,) = said["alerts"]
    assert len(grafana.hear(message({**said, "alerts": [member] * 500})).told) == 500
    with pytest.raises(InvalidDocument, match=r"501 alerts .* Set 'Max Alerts' of the contact point"):
        grafana.hear(message({**said, "alerts": [member] * 501}))


def test_the_generic_form_holds_500_alerts_and_not_more() -> None:
    said = json.loads(json.dumps(senders.SENDERS[-1].says(senders.Event())))
    assert len(generic.hear(message({"alerts": said["alerts"] * 500})).told) == 500
    with pytest.raises(InvalidDocument, match=r"501 alerts .* Send them in several"):
        generic.hear(message({"alerts": said["alerts"] * 501}))


def test_pagerduty_s_documented_event_is_ignored_as_it_neither_opens_nor_resolves() -> None:
    said = documented("pagerduty-priority-updated")
    heard = pagerduty.hear(message(said))
    assert heard.told == ()
    assert heard.ignored.startswith("event 'incident.priority_updated' neither opens nor resolves")


@pytest.mark.parametrize(
    ("kind", "status", "start", "starts"),
    [
        ("incident.triggered", "firing", "2020-04-09T15:16:27+00:00", "said"),
        ("incident.reopened", "firing", "2020-10-02T18:45:22.169000+00:00", "said"),
        ("incident.resolved", "resolved", "2020-10-02T18:45:22.169000+00:00", "open"),
    ],
)
def test_what_opens_an_incident_of_pagerduty_s_fires_and_what_resolves_it_resolves(
    kind: str, status: str, start: str, starts: str
) -> None:
    said = documented("pagerduty-priority-updated")
    said["event"]["event_type"] = kind
    one = told(pagerduty.hear, said)
    assert one.alert.episode == f"pagerduty/PGR0VU2/{start}"
    assert (one.alert.status, one.starts) == (status, starts)
    assert one.alert.link == "https://acme.pagerduty.com/incidents/PGR0VU2"
    assert one.alert.labels == {
        "alertname": "A little bump in the road",
        "pagerduty_service": "API Service",
        "escalation_policy": "Default",
        "priority": "P1",
        "urgency": "high",
    }


def test_words_of_a_title_are_labels_and_never_pagerduty_s_own() -> None:
    said = documented("pagerduty-priority-updated")
    said["event"] |= {"event_type": "incident.triggered"}
    said["event"]["data"]["title"] = "Bad [release=chat-2026.11, service=chat] urgency=none a=b=c =d e="
    labels = told(pagerduty.hear, said).alert.labels
    assert (labels["release"], labels["service"], labels["a"]) == ("chat-2026.11", "chat", "b=c")
    assert labels["urgency"] == "high"
    assert not {"", "e"} & set(labels)


def test_a_template_of_datadog_s_that_is_not_filled_in_is_refused_with_its_variables() -> None:
    with pytest.raises(InvalidDocument) as refused:
        datadog.hear(message(documented("datadog-user-template")))
    assert len(refused.value.problems) == 4
    assert refused.value.problems[0].startswith("alert_transition: ")
    assert "'$DATE' is the name of a variable" in refused.value.problems[3]


FILLED = {
    "id": "5",
    "alert_id": "1234",
    "alert_title": "[Triggered] Ungrounded answers",
    "alert_transition": "Triggered",
    "alert_status": "grounding < 0.9",
    "alert_type": "error",
    "alert_scope": "service:chat,release:chat-2026.11",
    "tags": "monitor,release:chat-2026.11,env:prod",
    "date": "1406662672000",
}


def test_datadog_s_documented_template_is_an_alert_once_it_is_filled_in() -> None:
    one = told(datadog.hear, {**documented("datadog-user-template"), **FILLED})
    assert (one.alert.status, one.alert.name) == ("firing", "Ungrounded answers")
    assert one.alert.starts_at == datetime(2014, 7, 29, 19, 37, 52, tzinfo=UTC)
    assert one.alert.summary == "grounding < 0.9"
    labels = {"release": "chat-2026.11", "service": "chat", "env": "prod", "monitor": "1234"}
    assert labels.items() <= one.alert.labels.items()
    # What the template left as a variable is not there.
    assert not [value for value in one.alert.labels.values() if value.startswith("$")]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("[Triggered on {host:ip-1}] Host is [down]", "Host is [down]"),
        ("[Recovered] Host", "Host"),
        ("Host [a]", "Host [a]"),
        ("[Triggered]", "[Triggered]"),
        ("", "1234"),
    ],
)
def test_an_alert_of_datadog_s_has_one_name_whatever_becomes_of_it(title: str, name: str) -> None:
    one = told(datadog.hear, {**FILLED, "alert_title": title}).alert
    assert (one.name, one.labels["alertname"]) == (name, name)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Ungrounded answers release=chat-2026.11 service=chat", "Ungrounded answers"),
        ("Ungrounded [release=r2, env=prod] answers", "Ungrounded answers"),
        ("release=r2", "release=r2"),
        ("", "PGR0VU2"),
    ],
)
def test_an_alert_of_pagerduty_s_has_one_name_for_every_release(title: str, name: str) -> None:
    said = documented("pagerduty-priority-updated")
    said["event"] |= {"event_type": "incident.triggered"}
    said["event"]["data"]["title"] = title
    one = told(pagerduty.hear, said).alert
    assert (one.name, one.labels["alertname"]) == (name, name)


def test_without_the_cycle_a_monitor_of_datadog_s_is_known_by_its_scope_and_release() -> None:
    def fingerprint(**changes: str) -> str:
        return datadog.hear(message({**FILLED, **changes}), ["release"]).told[0].alert.fingerprint

    assert fingerprint() == fingerprint(alert_transition="Recovered", date="1406662673000")
    others = {
        fingerprint(),
        fingerprint(alert_id="9"),
        fingerprint(alert_scope="service:chat"),
        fingerprint(alert_scope="", tags="release:a"),
        fingerprint(alert_scope="", tags="release:b"),
    }
    assert len(others) == 5
    cycles = {fingerprint(alert_cycle_key="7"), fingerprint(alert_cycle_key="7", tags="release:a")}
    assert len(cycles | {fingerprint(alert_cycle_key="7", alert_scope="service:shop")}) == 2
    assert told(datadog.hear, FILLED).starts == "open"
    assert told(datadog.hear, {**FILLED, "alert_cycle_key": "77"}).starts == "first heard"


@pytest.mark.parametrize(
    "date", ["1406662672", "-1406662672000", "1e12", "soon", "\u0661" * 13, ""], ids=ascii
)
def test_a_date_of_datadog_s_is_milliseconds(date: str) -> None:
    with pytest.raises(InvalidDocument, match=r"date: .*milliseconds since 1970"):
        datadog.hear(message({**FILLED, "date": date}))


def test_numbers_and_nothing_are_read_as_templates_write_them() -> None:
    said = {**FILLED, "alert_id": 1234, "date": 1406662672000, "alert_cycle_key": None, "link": "null"}
    one = told(datadog.hear, said)
    assert (one.alert.labels["monitor"], one.alert.link) == ("1234", None)


def test_tags_of_several_values_name_none_of_them() -> None:
    tags = ["release:r1", "release:r2", "release:r1", " env : prod ", "url:http://x:1", "plain", ":x", ""]
    assert labels_of_tags(tags) == {"release": "r1,r2", "env": "prod", "url": "http://x:1", "plain": ""}


def test_opsgenie_s_documented_message_is_an_alert() -> None:
    one = told(opsgenie.hear, documented("opsgenie-create"))
    assert one.alert.fingerprint == "052652ac-5d1c-464a-812a-7dd18bbfba8c"
    assert one.alert.starts_at == datetime(2015, 1, 5, 10, 3, 11, 104000, tzinfo=UTC)
    assert (one.alert.name, one.alert.status, one.starts) == ("test alert", "firing", "first heard")
    assert one.alert.labels == {"alertname": "test alert", "alias": "aliastest", "tag1": "", "tag2": ""}


@pytest.mark.parametrize("action", ["Close", "Delete"])
def test_an_alert_of_opsgenie_s_that_is_closed_or_deleted_is_over(action: str) -> None:
    assert told(opsgenie.hear, {**documented("opsgenie-create"), "action": action}).alert.status == "resolved"


def test_details_win_over_tags_and_opsgenie_s_own_fields_over_both() -> None:
    said = documented("opsgenie-create")
    said["alert"] |= {"tags": ["release:tag", "priority:x"], "details": {"release": "d"}, "priority": "P1"}
    labels = told(opsgenie.hear, said).alert.labels
    assert (labels["release"], labels["priority"]) == ("d", "P1")


def test_a_field_that_the_generic_form_does_not_have_is_told_with_those_that_it_has() -> None:
    said = senders.SENDERS[-1].says(senders.Event())
    wrong = json.loads(json.dumps(said))
    wrong["alerts"][0] |= {"label": {}, "status": "bad"}
    with pytest.raises(InvalidDocument) as refused:
        generic.hear(message(wrong))
    status, label = refused.value.problems
    assert status == "alerts[0].status: unknown value 'bad'. Known: firing, resolved"
    assert label.startswith("alerts[0].label: unknown field 'label'; did you mean 'labels'? Known: name, ")


@pytest.mark.parametrize("sender", senders.SENDERS, ids=str)
def test_who_sent_a_body_is_guessed_from_its_fields(sender: senders.Sender) -> None:
    for said in (sender.says(senders.Event()), *sender.ignores):
        assert guessed(message(said)) == ((sender.name,) if sender.name != "generic" else (GENERIC))


GENERIC = ("generic", "alertmanager", "grafana")


def test_what_nobody_sends_and_what_several_may_send_is_not_guessed() -> None:
    assert guessed(message({"hello": 1})) == ()
    assert guessed(message([1])) == ()
    assert guessed(Message(body=b"{")) == ()
    assert guessed(message({"receiver": "x", "alerts": []})) == ("alertmanager", "grafana")
    assert guessed(message({}, **{"ce-id": "1"})) == ("cloudevents",)
    assert {sender.name for sender in senders.SENDERS} == set(SENDERS)
