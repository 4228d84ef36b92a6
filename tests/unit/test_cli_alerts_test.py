"""`backout alerts test`: which playbook a message would start, and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from backout.errors import DoorClosed, InvalidDocument
from cli.main import app
from cli.starter import write_starter
from tests.gateway.senders import SENDERS, Event, Sender, opsgenie, pagerduty

CHAT = {"service": "chat", "release": "r2"}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    write_starter(tmp_path)
    return tmp_path / "site.yaml"


def backout(site: Path, said: object, *words: str) -> Result:
    file = site.parent / "message.json"
    file.write_bytes(said if isinstance(said, bytes) else json.dumps(said).encode())
    return CliRunner().invoke(app, ["alerts", "test", str(file), "--site", str(site), *words])


def group(**labels: str) -> dict[str, object]:
    member = {
        "status": "firing",
        "labels": {"alertname": "Bad", **labels},
        "startsAt": "2026-01-05T09:00:00Z",
        "fingerprint": "f1",
    }
    return {"groupKey": "g", "alerts": [member]}


def route_all(site: Path) -> None:
    """Let the site route what the senders of the tests send, and hear CloudEvents."""
    text = site.read_text(encoding="utf-8")
    head, _, _ = text.partition("routes:")
    door = "    cloudevents: {token: {env: T}, firing: [com.example.release.signal.breached]}\n"
    assert "  alerts:\n" in head
    head = head.replace("  alerts:\n", "  alerts:\n" + door)
    routes = (
        "routes:\n"
        "  - {match: {env: production}, playbook: conversational-agent}\n"
        "  - {match: {playbook: llm-chat, env: staging}, playbook: conversational-agent}\n"
        "  - {match: {env: staging}, playbook: conversational-agent}\n"
    )
    site.write_text(head + routes, encoding="utf-8")


def test_it_names_the_playbook_the_release_and_the_route_that_leads_there(site: Path) -> None:
    done = backout(site, group(**CHAT))
    assert done.exit_code == 0
    assert done.stdout == (
        "Read as a message of alertmanager.\n"
        "Alert Bad is firing, known by f1, from 2026-01-05 09:00 UTC\n"
        "  route 1, service=chat -> conversational-agent by label release: takes it\n"
        "  It would start playbook conversational-agent for chat/r2, unless that runs.\n"
    )


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ({"release": "r2"}, "label service is absent, not 'chat'"),
        ({"service": "shop", "release": "r2"}, "label service is 'shop', not 'chat'"),
        (
            {"service": "chat"},
            "Alert 'Bad' names no release: label 'release' is absent.",
        ),
        ({"service": "chat", "release": "a b"}, "label 'release' is 'a b'."),
    ],
    ids=["a label is absent", "a label is another", "no release", "no release's name"],
)
def test_what_would_be_refused_is_told_with_the_label_that_failed(
    site: Path, labels: dict[str, str], why: str
) -> None:
    done = backout(site, group(**labels))
    assert done.exit_code == 1
    assert why in done.stdout
    assert "It would be refused: " in done.stdout


@pytest.mark.parametrize("sender", SENDERS, ids=str)
def test_every_sender_s_message_is_read_as_its_door_reads_it(site: Path, sender: Sender) -> None:
    route_all(site)
    named = ["--sender", sender.name] if sender.name == "generic" else []
    done = backout(site, sender.says(Event()), "--json", *named)
    assert done.exit_code == 0, done.output
    trial = json.loads(done.stdout)
    assert trial["sender"] == sender.name
    assert trial["door"] == ("open" if sender.name in {"alertmanager", "cloudevents"} else "closed")
    (alert,) = trial["alerts"]
    assert (alert["would"], alert["playbook"]) == ("start", "conversational-agent")
    assert alert["incident"] == "incident/chat/r2"
    # The first route does not take it, the second does, and the third is not looked at.
    assert [bool(tried["misses"]) for tried in alert["tried"]] == [True, False]
    assert alert["tried"][0]["misses"] == ["label env is 'staging', not 'production'"]


def test_an_end_tells_the_incident_or_follows_its_beginning(site: Path) -> None:
    route_all(site)
    done = backout(site, SENDERS[0].says(Event("resolved")))
    assert "It would tell chat/r2 of its end, if that is open." in done.stdout
    closed = backout(site, opsgenie("Close", Event()))
    assert closed.exit_code == 0
    assert "It would go where the gateway has sent its beginning" in closed.stdout


def test_what_is_no_alert_is_told_to_be_ignored(site: Path) -> None:
    done = backout(site, pagerduty("incident.annotated", Event()))
    assert done.exit_code == 0
    assert "Its door is closed: the site file has no gateway.alerts.pagerduty." in done.stdout
    assert "It would be acknowledged and ignored: event 'incident.annotated'" in done.stdout


def test_a_recorded_message_is_read_with_its_headers(site: Path) -> None:
    route_all(site)
    said = SENDERS[5].says(Event())
    data = said.pop("data")
    headers = {f"Ce-{name}": value for name, value in said.items()}
    done = backout(site, {"headers": headers, "body": data, "received": "now"})
    assert "Read as a message of cloudevents." in done.stdout
    assert "It would start playbook conversational-agent for chat/r2" in done.stdout


def test_a_batch_of_events_is_read_event_by_event(site: Path) -> None:
    route_all(site)
    said = [SENDERS[5].says(Event()), SENDERS[5].says(Event(alert="b", release="r3"))]
    done = backout(site, said)
    assert done.exit_code == 0
    assert "Read as a message of cloudevents." in done.stdout
    for release in ("r2", "r3"):
        assert f"It would start playbook conversational-agent for chat/{release}" in done.stdout
    headers = {"Content-Type": "application/cloudevents-batch+json"}
    assert backout(site, {"headers": headers, "body": said}).stdout == done.stdout


@pytest.mark.parametrize(
    ("said", "words", "why"),
    [
        ({"hello": 1}, [], "name one of alertmanager, grafana, pagerduty"),
        (b"{", [], "do not tell who sent it"),
        ([group(**CHAT)], [], "do not tell who sent it"),
        ({"receiver": "x", "alerts": []}, [], "name one of alertmanager, grafana"),
        (group(), ["--sender", "nagios"], "'nagios' is no sender; known are alertmanager"),
        (b" " * (1024 * 1024 + 1), [], "above 1048576 bytes"),
    ],
    ids=["nobody", "no JSON", "a list of others", "several", "unknown", "too large"],
)
def test_a_sender_that_is_unclear_is_asked_for(site: Path, said: object, words: list[str], why: str) -> None:
    done = backout(site, said, *words)
    assert done.exit_code == 2
    assert why in " ".join(done.stderr.replace("│", " ").split())


def test_what_does_not_fit_and_what_no_door_explains_is_an_error(site: Path) -> None:
    wrong = backout(site, {"groupKey": "g", "alerts": [{}]})
    assert isinstance(wrong.exception, InvalidDocument)
    assert isinstance(backout(site, SENDERS[5].says(Event())).exception, DoorClosed)
