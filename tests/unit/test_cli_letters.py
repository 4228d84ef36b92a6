"""`backout alerts show` and `resend --body`: dead letters that cannot be read are shown, mended and sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from backout.errors import DoorClosed, LetterUnreadable, NoRoute
from cli.main import app
from cli.starter import write_starter
from tests.unit.test_cli_alerts import ALERT, KEY, backout, kept, letter

WHY = "alerts[0].labels: 'alertname' is missing"


def group(*releases: str, alertname: str = "Bad") -> str:
    members = [
        {
            "status": "firing",
            "labels": {"alertname": alertname, "service": "chat", "release": release},
            "startsAt": "2026-01-05T12:00:00Z",
            "fingerprint": f"f-{release}",
        }
        for release in releases
    ]
    return json.dumps({"groupKey": "g", "alerts": members})


def unreadable(body: str, **changes: object) -> dict[str, object]:
    return {"alert": None, "body": body, "why": WHY, **changes}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write_starter(tmp_path)[0]


def resend(site: Path, body: str) -> Result:
    words = ["alerts", "resend", "refused/1", "--body", "-", "--site", str(site)]
    return CliRunner().invoke(app, words, input=body)


def test_what_came_is_shown_with_the_reason_and_printed_alone_to_be_corrected(site: Path) -> None:
    body = group("r2", alertname="")
    kept(site, letter("refused/1", **unreadable(body, headers={"content-type": "application/json"})))
    shown = backout(site, "show", "refused/1").stdout
    for told in (WHY, body, "content-type: application/json", "resend --body FILE"):
        assert told in shown
    assert backout(site, "show", "refused/1", "--body").stdout == f"{body}\n"
    assert json.loads(backout(site, "show", "refused/1", "--json").stdout)["body"] == body


def test_an_alert_without_a_route_is_shown_with_the_routes_and_what_mends_it(site: Path) -> None:
    kept(site, letter("refused/1", alert=ALERT.model_copy(update={"labels": {"service": "shop"}})))
    shown = backout(site, "show", "refused/1").stdout
    assert "  service=shop\n" in shown
    assert "label service is 'shop', not 'chat'" in shown
    assert "Still refused: No route takes alert 'Bad'." in shown
    kept(site, letter(KEY))
    assert (
        "It would go to chat/r2 now, with playbook conversational-agent" in backout(site, "show", KEY).stdout
    )


def test_a_corrected_body_goes_on_its_way_with_all_its_alerts(site: Path) -> None:
    kept(site, letter("refused/1", **unreadable(group("r2", alertname=""))))
    done = resend(site, group("r2", "r3"))
    assert done.stdout == "chat/r2: refused/1 is on its way\nchat/r3: refused/1 is on its way\n"
    pending, dead = kept(site)
    assert [entry.release for entry in pending] == ["r2", "r3"]
    assert dead == ()


def test_what_can_be_read_by_now_needs_no_correction(site: Path) -> None:
    kept(site, letter("refused/1", **unreadable(group("r2"))))
    assert backout(site, "resend", "refused/1", "--label", "env=live").exit_code == 0
    ((entry,), _) = kept(site)
    assert entry.alert
    assert entry.alert.labels["env"] == "live"


@pytest.mark.parametrize(
    ("body", "error", "why"),
    [
        ("{", LetterUnreadable, "body: "),
        (group("r2", alertname=""), LetterUnreadable, "'alertname' is missing"),
        (group("r2").replace('"service": "chat"', '"service": "shop"'), NoRoute, "No route takes"),
    ],
    ids=["no JSON", "still wrong", "no route"],
)
def test_a_correction_that_is_none_leaves_the_letter_where_it_is(
    site: Path, body: str, error: type[Exception], why: str
) -> None:
    one = letter("refused/1", **unreadable("?"))
    kept(site, one)
    done = resend(site, body)
    assert isinstance(done.exception, error)
    assert why in str(done.exception)
    assert kept(site) == ((), (one,))


def test_nothing_is_sent_while_one_alert_of_several_finds_no_way(site: Path) -> None:
    one = letter("refused/1", **unreadable("?"))
    kept(site, one)
    done = resend(site, group("r2", "no release"))
    assert done.exit_code == 1
    assert kept(site) == ((), (one,))


@pytest.mark.parametrize(
    ("source", "error", "why"),
    [
        ("unknown", LetterUnreadable, "another version"),
        ("cloudevents", DoorClosed, "gateway.alerts.cloudevents"),
        ("pagerduty", LetterUnreadable, "nothing of it is an alert: event 'pagey.ping'"),
    ],
)
def test_a_letter_that_no_door_explains_says_so(
    site: Path, source: str, error: type[Exception], why: str
) -> None:
    ping = json.dumps({"event": {"event_type": "pagey.ping"}})
    reason = "it was written by another version of Backout"
    kept(site, letter("refused/1", **unreadable(ping, source=source, why=reason)))
    done = backout(site, "resend", "refused/1")
    assert isinstance(done.exception, error)
    assert why in str(done.exception)


def test_a_mended_alert_belongs_to_the_episode_that_is_open(site: Path) -> None:
    began = ALERT.model_copy(update={"source": "datadog"})
    end = began.model_copy(
        update={"status": "resolved", "labels": {}, "starts_at": began.starts_at.replace(hour=13)}
    )
    first = letter(f"datadog/{KEY.partition('/')[2]}", source="datadog", alert=began, state="delivered")
    kept(site, first, letter("refused/1", source="datadog", alert=end, starts="open"))
    assert backout(site, "resend", "refused/1").exit_code == 0
    ((entry,), _) = kept(site)
    assert entry.alert
    assert entry.alert.episode == began.episode
    assert (entry.alert.status, entry.release) == ("resolved", "r2")
