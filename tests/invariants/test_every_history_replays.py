"""Every recorded history replays on today's code: tests/replay does it. Here: what is kept says every word.

A playbook's word that occurs in no kept history could change its commands unseen.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from backout.people import Action
from backout.steps import Move, Step
from backout.timeline import Event
from tests.replay.golden import Golden, every_golden

GOLDEN = every_golden()
IN_NONE_YET: dict[str, set[str]] = {
    "action": set(),
    "event": {
        "IncidentReopened",
        "MessageFailed",
        "AcknowledgementLapsed",
        "LevelPassedOver",
        "NoticeOverdue",
        "NoticeDropped",
        "QuarantineFound",
    },
    "move": set(),
    "kind": set(),
}
"""What no kept history shows yet; a scenario that does takes it from this list."""


def told(golden: Golden) -> Iterator[dict[str, Any]]:
    """Yield the timeline's events that an incident has given to be kept."""
    for event in golden.history().to_json_dict()["events"]:
        scheduled = event.get("activityTaskScheduledEventAttributes", {})
        if scheduled.get("activityType", {}).get("name") == "publish_timeline":
            (payload,) = scheduled["input"]["payloads"]
            yield from json.loads(base64.b64decode(payload["data"]))["events"]


TOLD = [event for golden in GOLDEN if golden.workflow == "incident" for event in told(golden)]


def seen(field: str) -> set[str]:
    return {event[field] for event in TOLD if field in event}


def test_there_are_histories_of_incidents_of_reverts_and_of_watches() -> None:
    assert {golden.workflow.partition("-")[0] for golden in GOLDEN} == {"incident", "revert", "watch"}


def test_every_kind_of_step_was_started_and_finished_in_a_kept_history() -> None:
    known = {get_args(kind.model_fields["step"].annotation)[0] for kind in get_args(get_args(Step)[0])}
    kinds = known - IN_NONE_YET["kind"]
    started = {event["kind"] for event in TOLD if event["event"] == "StepStarted"}
    finished = {event["step"] for event in TOLD if event["event"] == "StepFinished"}
    assert started == kinds
    assert finished == kinds


WORDS = {
    "action": {str(action) for action in Action},
    "move": {str(move) for move in Move},
    "event": {kind.model_fields["event"].default for kind in get_args(get_args(Event)[0])},
}


@pytest.mark.parametrize("word", WORDS)
def test_every_word_is_in_a_kept_history_or_on_the_list_of_those_that_are_not(word: str) -> None:
    assert WORDS[word] - seen(word) == IN_NONE_YET[word]
