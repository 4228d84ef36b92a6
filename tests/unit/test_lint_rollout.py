"""What lint says of the way up: a rollout's steps, stages and rights."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.linted import found

ROLLOUT: dict[str, Any] = {
    "step": "rollout",
    "owner": "on_call",
    "target": "chat-exposure",
    "stages": [1, 10, 50, 100],
    "soak": "10m",
    "within": "4h",
    "on_timeout": "hold",
}
MANUAL: dict[str, Any] = {
    "step": "manual",
    "owner": "on_call",
    "items": ["read the evaluation"],
    "within": "1h",
    "on_timeout": "hold",
}
ESCALATE: dict[str, Any] = {
    "step": "escalate",
    "owner": "on_call",
    "policy": "ladder",
    "within": "1h",
    "on_timeout": "hold",
}
VERIFY: dict[str, Any] = {
    "step": "verify",
    "owner": "on_call",
    "window": "15m",
    "within": "2h",
    "on_timeout": "hold",
}
POSTMORTEM: dict[str, Any] = {
    "step": "postmortem",
    "owner": "on_call",
    "template": "standard",
    "due": "5d",
    "within": "15m",
    "on_timeout": "hold",
}


def said(*steps: dict[str, Any], may: tuple[str, ...] = ("rollout",)) -> list[tuple[str, str, str]]:
    """Return what lint says of a playbook with these steps of a rollout, and who may begin it."""
    rights = ["acknowledge", "approve", "reject", "hold", "resume", "retry", "skip", "abort", "note", "close"]
    offered = ["emergency", "come_back", "lift"]
    return found({"rollout": list(steps), "roles.commander.may": [*rights, *offered, *may]})


def with_stages(*stages: int) -> dict[str, Any]:
    return {**ROLLOUT, "stages": list(stages)}


def test_a_rollout_with_a_list_before_it_and_a_look_behind_it_is_sound() -> None:
    assert said(MANUAL, ROLLOUT, VERIFY, POSTMORTEM) == []


def test_a_playbook_without_a_rollout_needs_nobody_who_may_begin_one() -> None:
    assert said(may=()) == []


@pytest.mark.parametrize(
    ("steps", "place", "words"),
    [
        ((MANUAL, POSTMORTEM), "rollout", "nothing would go up; add one"),
        ((ROLLOUT, {**ROLLOUT, "name": "again"}, POSTMORTEM), "rollout[1]", "put all stages into one"),
        ((VERIFY, ROLLOUT, POSTMORTEM), "rollout[0]", "there is nothing to see; move it behind"),
        ((ROLLOUT,), "rollout[0]", "there is no postmortem step"),
        ((ESCALATE, ROLLOUT, POSTMORTEM), "rollout[0]", "escalate is a step of an incident"),
        ((with_stages(1, 50, 10, 100), POSTMORTEM), "rollout[0].stages[2]", "10 % does not come after 50 %"),
        ((with_stages(0, 100), POSTMORTEM), "rollout[0].stages[0]", "nobody meets the release at 0 %"),
        (({**ROLLOUT, "target": "gone"}, POSTMORTEM), "rollout[0].target", "unknown target of the site"),
        (({**ROLLOUT, "within": "30m"}, POSTMORTEM), "rollout[0].within", "4 stages of 10m take 40m"),
        (({**ROLLOUT, "soak": "5s"}, POSTMORTEM), "rollout[0].soak", "a soak of 5s sees nothing"),
        (({**ROLLOUT, "on_failure": "retry"}, POSTMORTEM), "rollout[0].on_failure", "has just turned back"),
        (
            ({**ROLLOUT, "on_timeout": "proceed"}, POSTMORTEM),
            "rollout[0].on_timeout",
            "would pass for released",
        ),
        (
            (ROLLOUT, {**VERIFY, "on_failure": "go_further"}, POSTMORTEM),
            "rollout[1].on_failure",
            "write escalate",
        ),
        (
            ({**ROLLOUT, "on_timeout": "go_further"}, POSTMORTEM),
            "rollout[0].on_timeout",
            "only a verification shows",
        ),
        ((ROLLOUT, {**POSTMORTEM, "template": "gone"}), "rollout[1].template", "unknown template"),
    ],
    ids=[
        "nothing goes up",
        "it goes up twice",
        "a verify before it",
        "no record",
        "a step of an incident",
        "it falls",
        "it begins with nobody",
        "an unknown target",
        "no time for its soaks",
        "a soak without a look",
        "up again unasked",
        "late is no release",
        "further down",
        "further down while it goes up",
        "an unknown template",
    ],
)
def test_an_unsound_rollout_is_told_with_its_place(
    steps: tuple[dict[str, Any], ...], place: str, words: str
) -> None:
    (told,) = [message for severity, path, message in said(*steps) if (severity, path) == ("error", place)]
    assert words in told


@pytest.mark.parametrize(
    ("stages", "problem"),
    [
        pytest.param(
            (20, 100),
            (
                "rollout[0].stages[0]",
                "20 % of the users meet an untried release at once; begin with a sandbox cohort, such as 1",
            ),
            id="no sandbox",
        ),
        pytest.param(
            (1, 50),
            ("rollout[0].stages[1]", "the last stage leaves 50 % behind; end with 100"),
            id="half of the users",
        ),
    ],
)
def test_an_unwise_rollout_is_warned_of(stages: tuple[int, ...], problem: tuple[str, str]) -> None:
    assert said(with_stages(*stages), POSTMORTEM) == [("warning", *problem)]


def test_somebody_must_have_the_right_to_begin_it() -> None:
    assert said(ROLLOUT, POSTMORTEM, may=()) == [
        (
            "error",
            "roles",
            (
                "no role may rollout: nobody could begin it; give 'rollout' to one of on_call, commander, "
                "product"
            ),
        )
    ]


def test_a_rollout_among_the_steps_of_an_incident_is_out_of_place() -> None:
    assert (
        "error",
        "steps[8]",
        "a rollout is no part of an incident; move it to the list under 'rollout'",
    ) in found({"steps.8": ROLLOUT})
