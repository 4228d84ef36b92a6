"""What the commands print: for people on a terminal, for pipes, and for machines."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from backout.alerts import Alert
from backout.outbox import OutboxEntry
from backout.people import Action
from backout.rules import Weight
from backout.view import Phase, Question
from cli import printing
from tests.unit.views import empty_view, full_view

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def entry(name: str, why: str = "") -> OutboxEntry:
    """Return an entry whose alert has this name."""
    alert = Alert(source="alertmanager", fingerprint="f", starts_at=NOON, status="firing", name=name)
    return OutboxEntry(key="k", received_at=NOON, source="alertmanager", state="dead", alert=alert, why=why)


def test_what_came_from_outside_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    printing.outbox([entry("\x1b[2J\x1b]0;owned\x07name", why="[bold]no markup[/bold]")], "dead")
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[bold]no markup[/bold]" in shown


def test_a_pipe_gets_each_entry_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    printing.outbox([entry("Long" * 100, why="because " * 50)], "dead")
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_an_alert_that_could_not_be_read_is_shown_by_its_beginning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    unread = OutboxEntry(
        key="k", received_at=NOON, source="alertmanager", state="dead", body="<html>\n", why="no JSON"
    )
    printing.outbox([unread], "dead")
    assert r"unreadable: '<html>\n'" in capsys.readouterr().out


def test_json_is_a_list_where_there_can_be_many(capsys: pytest.CaptureFixture[str]) -> None:
    printing.as_json([entry("Name")])
    assert json.loads(capsys.readouterr().out)[0]["alert"]["name"] == "Name"
    printing.as_json([])
    assert json.loads(capsys.readouterr().out) == []


def test_nothing_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    printing.incidents(())
    printing.outbox((), "pending")
    printing.outbox((), "dead")
    assert capsys.readouterr().out.splitlines() == [
        "There are no incidents.",
        "No alert waits.",
        "There are no dead letters.",
    ]


def test_an_incident_shows_the_questions_that_weigh_now_and_how_to_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    question = Question(
        judgment="safety_view", ask="Is it new?", roles=("product",), answers={"fine": Weight.CARRY_ON}
    )
    printing.incident(empty_view().model_copy(update={"questions": (question,)}))
    shown = capsys.readouterr().out
    assert "Is it new? (safety_view) Asked of product." in shown
    assert "Answer with: backout judge chat/r2 safety_view fine." in shown


def test_an_open_incident_says_who_can_take_everything_off(capsys: pytest.CaptureFixture[str]) -> None:
    armed = empty_view()
    told = "commander can take everything off, whatever it waits for: backout emergency chat/r2 <reason>"
    may = armed.playbook.roles["commander"].model_copy(update={"may": (Action.HOLD,)})
    playbook = armed.playbook.model_copy(update={"roles": {**armed.playbook.roles, "commander": may}})
    unarmed = armed.model_copy(update={"playbook": playbook})
    off = armed.summary.model_copy(update={"exposure": 0})
    for view, shown in (
        (armed, True),
        (unarmed, False),
        (armed.model_copy(update={"can_take_off": False}), False),
        (armed.model_copy(update={"emergency": "Ann"}), False),
        (armed.model_copy(update={"summary": off}), False),
        (
            armed.model_copy(update={"summary": armed.summary.model_copy(update={"phase": Phase.CLOSED})}),
            False,
        ),
    ):
        printing.incident(view)
        assert (told in capsys.readouterr().out) is shown


def test_a_piped_table_has_no_blanks_at_the_ends_of_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    table = printing.table("Name", "What")
    for row in (("a", "long " * 20), ("b", "short"), ("c", "")):
        table.add_row(*row)
    printing.show(table)
    lines = capsys.readouterr().out.split("\n")
    assert len(lines) == 5
    assert all(line == line.rstrip() for line in lines)
    printing.incident(full_view())
    assert all(line == line.rstrip() for line in capsys.readouterr().out.split("\n"))
