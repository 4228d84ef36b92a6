"""The commands of people, against a real `backout up`: acting in an incident and looking at it."""

from __future__ import annotations

import getpass
import json
import re
from pathlib import Path

import pytest

from backout.timeline import ActionTaken
from tests.acceptance.running import Up, backout, until


def test_an_act_is_done_by_the_person_whose_login_it_is(running: Up, incident: str) -> None:
    done = running.backout("note", incident, "seen", "by", "support")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{incident}: ")
    taken = _last_act(running, incident)
    assert taken.reason == "seen by support"
    assert taken.actor.person == "me"
    assert taken.actor.via == f"cli:{getpass.getuser()}"


def test_another_person_is_named_with_as_and_the_account_is_still_recorded(
    running: Up, incident: str
) -> None:
    answer = running.json(
        "note", incident, "--reason", "for the record", "--as", "colleague", "--id", "note-1"
    )
    assert answer["person"] == "colleague"
    assert answer["act"] == "note-1"
    taken = _last_act(running, incident)
    assert taken.actor.name == "A colleague of mine"
    assert taken.actor.via == f"cli:{getpass.getuser()}"


def test_an_account_that_the_site_does_not_list_may_not_act_as_another_person(
    running: Up, incident: str
) -> None:
    before = running.json("incidents", "timeline", incident)
    strict = running.folder / "strict.yaml"
    listed = (running.folder / "site.yaml").read_text()
    strict.write_text(listed.replace("act_as:", "# act_as:"))
    done = running.backout("note", incident, "as somebody", "--as", "colleague", "--site", str(strict))
    assert done.returncode == 1
    assert f"The account '{getpass.getuser()}' may not act as 'colleague'" in done.stderr
    assert "it is that of 'me'" in done.stderr
    assert running.json("incidents", "timeline", incident) == before


def test_the_same_id_twice_is_one_act(running: Up, incident: str) -> None:
    for _ in range(2):
        assert running.backout("note", incident, "once", "--id", "note-once").returncode == 0
    acts = [
        event for event in running.json("incidents", "timeline", incident) if event.get("act") == "note-once"
    ]
    assert len(acts) == 1


def test_the_incident_is_left_out_where_only_one_is_open(running: Up, incident: str) -> None:
    done = running.backout("note", "everyone", "is", "told")
    assert done.stdout.startswith(f"{incident}: "), done.stderr


def test_a_refusal_is_exit_code_1_with_its_reason(running: Up, incident: str) -> None:
    done = running.backout("skip", incident)
    assert done.returncode == 1
    assert "reason" in done.stderr
    assert not done.stdout


def test_a_person_who_is_not_in_the_directory_is_refused_with_those_who_are(
    running: Up, incident: str
) -> None:
    done = running.backout("hold", incident, "--as", "mallory")
    assert done.returncode == 1
    assert "Unknown person 'mallory'. Known: colleague, me." in done.stderr


def test_a_reason_that_is_given_twice_is_a_wrong_command_line(running: Up, incident: str) -> None:
    done = running.backout("hold", incident, "wait", "--reason", "look")
    assert done.returncode == 2
    assert "Give one of them" in done.stderr


def test_an_unknown_incident_is_refused(running: Up) -> None:
    done = running.backout("ack", "chat/r99")
    assert done.returncode == 1
    assert "chat/r99" in done.stderr


def test_show_says_where_it_stands_and_what_comes_next(running: Up, incident: str) -> None:
    shown = running.backout("incidents", "show", incident).stdout
    assert "chat/r7  conversational-agent version 4, critical" in shown
    assert "(step detect, until " in shown
    assert "next" in shown
    assert "Alert ErrorsHigh from alertmanager is firing" in shown


def test_a_held_incident_says_what_it_waits_for_and_how_to_answer(running: Up, incident: str) -> None:
    assert running.backout("hold", incident, "--reason", "let me look").returncode == 0
    until(lambda: running.json("incidents", "show", incident)["held"], "it is held")
    shown = running.backout("incidents", "show", incident).stdout
    assert "let me look" in shown
    assert re.search("Answer with: .*backout resume", shown)
    assert running.backout("resume", incident).returncode == 0
    until(lambda: not running.json("incidents", "show", incident)["held"], "it goes on")


def test_only_what_the_person_has_read_is_approved_and_show_says_its_code(running: Up, incident: str) -> None:
    assert running.post_alert(service="desk").status_code == 202
    until(lambda: "Answer with: " in running.backout("incidents", "show", "desk/r2").stdout, "it is asked")
    shown = running.backout("incidents", "show", "desk/r2").stdout
    found = re.search("Answer with: backout approve desk/r2 ([0-9a-f]{8}), ", shown)
    assert found, shown
    for code in ((), ("4f1a2b3c",)):
        refused = running.backout("approve", "desk/r2", *code, "the", "revert", "is", "right")
        assert refused.returncode == 1
        assert "Send to customers: desk: we are looking into a problem" in refused.stderr
        assert found[1] in refused.stderr
    answer = running.json("approve", "desk/r2", found[1], "--reason", "say it like that")
    assert answer["text"] == "approval 1 of 1: authorised"
    taken = _last_act(running, "desk/r2")
    assert (taken.subject[:15], taken.reason) == (f"sha256:{found[1]}", "say it like that")
    assert running.backout("abort", "desk/r2", "only", "a", "test").returncode == 0
    until(lambda: len(running.json("incidents", "list", "--open")) == 1, f"only {incident} is open again")


def test_the_list_has_a_line_for_each_incident(running: Up, incident: str) -> None:
    lines = running.backout("incidents", "list").stdout.splitlines()
    assert lines[0].split() == ["Incident", "Stands", "at", "Outcome", "Severity", "Playbook", "Opened"]
    assert lines[1].split()[:2] == [incident, "detect"]


def test_the_timeline_is_told_in_order(running: Up, incident: str) -> None:
    told = [line for line in running.backout("incidents", "timeline", incident).stdout.splitlines() if line]
    assert "Incident opened with playbook conversational-agent version 4" in told[1]
    numbers = [event["seq"] for event in running.json("incidents", "timeline", incident)]
    assert numbers == sorted(numbers)


def test_a_refused_alert_is_among_the_dead_letters(running: Up) -> None:
    assert running.post_alert(service="nobody's").status_code == 422
    dead = running.json("alerts", "dead")
    assert "No route takes alert 'ErrorsHigh'" in dead[0]["why"]
    assert "No route takes alert 'ErrorsHigh'" in running.backout("alerts", "dead").stdout
    assert running.backout("alerts", "pending").stdout == "No alert waits.\n"


def test_without_an_engine_a_command_says_what_to_do_with_exit_code_3(tmp_path: Path) -> None:
    done = backout(tmp_path, "incidents", "list")
    assert done.returncode == 3
    assert "Start 'backout up', or set TEMPORAL_ADDRESS" in done.stderr


def test_an_engine_that_does_not_answer_is_exit_code_3(tmp_path: Path) -> None:
    done = backout(tmp_path, "incidents", "list", TEMPORAL_ADDRESS="127.0.0.1:1")
    assert done.returncode == 3
    assert "Temporal at 127.0.0.1:1 did not answer" in done.stderr


@pytest.mark.usefixtures("incident")  # Whose opening shows that the worker has asked for work.
def test_the_doctor_finds_what_runs_and_what_does_not(running: Up) -> None:
    done = running.backout("doctor", "--json")
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert answer["ok"] is False
    levels = {finding["what"]: finding["level"] for finding in answer["findings"]}
    for well in (
        "site file",
        "engine",
        "retention",
        "search attributes",
        "worker",
        "playbooks",
        "gateway",
        "store",
    ):
        assert levels[well] == "ok", answer
    for broken in ("source chat-metrics", "target chat-exposure", "check served-version"):
        assert levels[broken] == "fail"


def _last_act(running: Up, incident: str) -> ActionTaken:
    timeline: list[dict[str, object]] = running.json("incidents", "timeline", incident)
    return ActionTaken.model_validate([event for event in timeline if event["event"] == "ActionTaken"][-1])
