"""`backout authority explain`, and the acts that say how bad it is, against a real `backout up`."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.running import Up


def test_a_yes_is_exit_code_0_with_the_right_and_nothing_is_done(running: Up, incident: str) -> None:
    before = running.json("incidents", "timeline", incident)
    done = running.backout("authority", "explain", "me", "hold", incident)
    assert done.returncode == 0, done.stderr
    assert f", hold in {incident}: by the right of on_call.\n" in done.stdout
    assert done.stdout.startswith("Yes: ")
    assert "The right is held by " in done.stdout
    assert running.json("incidents", "timeline", incident) == before


def test_a_no_is_exit_code_1_with_the_reason_of_the_incident(running: Up, incident: str) -> None:
    done = running.backout("authority", "explain", "A colleague of mine", "resume", incident, "--json")
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert (answer["allowed"], answer["who"]["person"]) == (False, "colleague")
    refused = running.backout("resume", incident, "--as", "colleague")
    assert answer["why"] in refused.stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("mallory", "hold"), "Unknown person 'mallory'. Known: colleague, me."),
        (("me", "explode"), "Unknown action 'explode'. Known: abort, ack, approve"),
    ],
)
def test_who_and_what_must_be_known(running: Up, incident: str, words: tuple[str, ...], why: str) -> None:
    done = running.backout("authority", "explain", *words, incident)
    assert done.returncode == 1
    assert why in done.stderr
