"""Static lint of the flow: the order of steps, their windows, and what they fall back to."""

from __future__ import annotations

import pytest

from tests.unit.linted import GONE, Changes, errors, step


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        (
            {"steps.0": GONE},
            "steps",
            "there is no detect step; begin with one, so that nothing is reverted without evidence",
        ),
        (
            {"steps.2": GONE},
            "steps",
            "there is no revert step, but the rules ask for a revert; add one after detect",
        ),
        (
            {"steps.0": step(2), "steps.2": step(0)},
            "steps[0]",
            "this revert stands before any detect; move it behind one",
        ),
        (
            {"steps.2": step(4), "steps.4": step(2)},
            "steps[2]",
            "this verify stands before any revert, so there is no recovery to see; move it behind one",
        ),
        (
            {"steps.4": GONE},
            "steps[2]",
            "no verify follows this revert, so nobody would know that users recovered; add one after it",
        ),
        (
            {"steps.3": step(2, name="again")},
            "steps[3]",
            "there is more than one revert, but a release has one exposure; put all stages into one",
        ),
        (
            {"steps.7": GONE},
            "steps[6]",
            "there is no postmortem step; end with one, so that every incident leaves its record",
        ),
        (
            {"steps.6": step(7), "steps.7": step(6)},
            "steps[6]",
            "the postmortem is not the last step; move it to the end, where everything is known",
        ),
        (
            {"steps.6": step(7, name="early")},
            "steps[6]",
            "there is more than one postmortem; keep the last one",
        ),
        (
            {"steps.2.stages": [50, 50, 0]},
            "steps[2].stages[1]",
            "stages must fall: 50 % does not come after 50 %",
        ),
        (
            {"steps.2.stages": [10, 50, 0]},
            "steps[2].stages[1]",
            "stages must fall: 50 % does not come after 10 %",
        ),
        (
            {"criteria": [{"id": "reported", "test": {"compare": "alert", "named": "Reported"}}]},
            "steps[4]",
            "no criterion compares a rate, so recovery cannot be measured; add one, such as a limit",
        ),
        (
            {f"signals.{name}.bad": f'{name}{{release="$release"}}' for name in ("errors", "gap")},
            "steps[4]",
            (
                "every rate is of the candidate alone, which has no traffic after the revert, so "
                "recovery cannot be measured; add a criterion on the whole service"
            ),
        ),
    ],
)
def test_steps_in_an_order_that_makes_no_sense_are_refused(changes: Changes, path: str, message: str) -> None:
    assert (path, message) in errors(changes)


@pytest.mark.parametrize(
    ("number", "field", "move", "why"),
    [
        (0, "on_timeout", "proceed", "nothing has fired, so nothing would authorise the steps after it"),
        (0, "on_failure", "proceed", "nothing has fired, so nothing would authorise the steps after it"),
        (2, "on_timeout", "proceed", "a release that still serves users would pass for reverted"),
        (2, "on_failure", "proceed", "a release that still serves users would pass for reverted"),
        (7, "on_timeout", "proceed", "the incident would end without its record"),
        (7, "on_failure", "proceed", "the incident would end without its record"),
        (7, "on_timeout", "abort", "abort itself ends in the postmortem"),
        (7, "on_failure", "abort", "abort itself ends in the postmortem"),
        (7, "on_timeout", "retry", "more time does not write it; a person must look"),
        (2, "on_failure", "go_further", "only a verification shows that less exposure is needed"),
        (3, "on_timeout", "go_further", "only a verification shows that less exposure is needed"),
    ],
)
def test_a_move_that_makes_no_sense_after_a_step_is_refused(
    number: int, field: str, move: str, why: str
) -> None:
    ((path, message),) = errors({f"steps.{number}.{field}": move})
    assert path == f"steps[{number}].{field}"
    assert f"cannot {move}: {why}. Choose one of escalate, hold" in message
    assert f", {move}" not in message


def test_a_move_that_makes_sense_is_let_pass() -> None:
    moves = ("escalate", "hold", "proceed", "retry", "abort")
    assert [move for move in moves if errors({"steps.3.on_failure": move, "steps.3.on_timeout": move})] == []


def test_escalating_needs_a_policy_to_escalate_by() -> None:
    changes: Changes = {"escalation": {}, "steps.1": GONE}
    message = "there is no escalation policy to escalate by; write one under 'escalation'"
    assert ("steps[0].on_timeout", message) in errors(changes)


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        (
            {"steps.0.within": "2m59s"},
            "steps[0].within",
            "within 2m59s no criterion can fire: the shortest sustain is 3m; lengthen within",
        ),
        (
            {"steps.1.within": "5m"},
            "steps[1].within",
            (
                "the last level of 'ladder' is paged after 5m, but the step ends after 5m; "
                "lengthen within or shorten the waits"
            ),
        ),
        (
            {"steps.2.soak": "10s"},
            "steps[2].soak",
            "a soak of 10s sees nothing: a tick is 15s; lengthen the soak",
        ),
        (
            {"steps.2.within": "5m59s"},
            "steps[2].within",
            (
                "3 stages of 2m take 6m, longer than within (5m59s); "
                "lengthen within, and add what an approval takes"
            ),
        ),
        (
            {"steps.4.within": "9m"},
            "steps[4].window",
            "a window of 10m does not fit within 9m; lengthen within",
        ),
        (
            {"steps.4.window": "14s"},
            "steps[4].window",
            "a window of 14s is shorter than a tick (15s); lengthen it",
        ),
        (
            {"steps.7.due": "14m"},
            "steps[7].due",
            "it is due in 14m, before its window of 15m ends",
        ),
        (
            {"tick": "91s", "steps.2.soak": "2m"},
            "criteria[0].evidence.sustain",
            (
                "a sustain of 3m needs two ticks at least, and a tick is 1m31s; "
                "lengthen sustain or shorten the tick"
            ),
        ),
        (
            {"criteria.0.evidence": {"false_hold": "3m", "sustain": "3m"}},
            "criteria[0].evidence.false_hold",
            "false_hold must be longer than sustain (3m), or healthy traffic would look suspect; lengthen it",
        ),
    ],
)
def test_a_time_window_that_cannot_work_is_refused(changes: Changes, path: str, message: str) -> None:
    assert errors(changes) == [(path, message)]


def test_a_time_window_that_just_works_is_let_pass() -> None:
    limits = {"steps.0.within": "3m", "steps.1.within": "5m1s", "steps.2.within": "6m", "steps.2.soak": "2m"}
    assert errors({**limits, "steps.4.within": "10m", "steps.7.due": "15m", "tick": "90s"}) == []


def test_a_verification_may_go_further() -> None:
    assert errors({"steps.4.on_failure": "go_further", "steps.4.on_timeout": "go_further"}) == []
