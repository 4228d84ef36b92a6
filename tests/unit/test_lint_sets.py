"""What lint says of release sets: kinds of targets, flips, the bound, capacity and alternatives."""

from __future__ import annotations

from typing import Any

import pytest

from backout.targets import FlagdFileTarget, MlflowTarget
from tests.unit.linted import GONE, SITE, Changes, found

ALIAS = MlflowTarget.model_validate(
    {"kind": "mlflow", "url": "http://127.0.0.1:5000", "prompt": "chat", "alias": "live", "baseline": "r1"}
)
COPY = FlagdFileTarget.model_validate(
    {"kind": "flagd-file", "path": "flags/chat.json", "flag": "chat-release", "baseline": "2026.10"}
)
AT = SITE.model_copy(update={"targets": {**SITE.targets, "alias": ALIAS, "copy": COPY}})
FLAG, OTHER = {"target": "chat-exposure"}, {"target": "images-exposure"}
POINTER = {"target": "alias", "flips_at": 10}
READY = {"target": "augment-exposure", "checks": ["served-version"], "within": "5m"}


def said(*parts: dict[str, Any], bound: str | None = "90s", **more: Any) -> list[tuple[str, str, str]]:  # noqa: ANN401
    """Return what lint says of the complete playbook with this set and these other fields of its revert."""
    changes: Changes = {"steps.2.target": GONE, "steps.2.targets": list(parts)}
    if bound:
        changes["steps.2.mixed_for"] = bound
    return found({**changes, **{f"steps.2.{name}": value for name, value in more.items()}}, site=AT)


def test_a_set_with_a_pointer_that_flips_and_capacity_first_is_sound() -> None:
    assert said(FLAG, OTHER, POINTER, capacity=READY) == []


@pytest.mark.parametrize(
    ("parts", "more", "place", "message"),
    [
        ((FLAG, {**POINTER, "flips_at": 20}), {}, "targets[1].flips_at", "alias never flips: 20 % is none"),
        ((FLAG, {"target": "alias"}), {}, "targets[1].target", "alias is a pointer, at the release or not"),
        ((FLAG, {**OTHER, "flips_at": 10}), {}, "targets[1].flips_at", "holds any percent, so it follows"),
        ((FLAG, {"target": "copy"}), {}, "targets[1].target", "the same as chat-exposure under another name"),
        ((FLAG, {"target": "gone"}), {}, "targets[1].target", "unknown target of the site 'gone'"),
        ((FLAG, OTHER), {"mixed_for": "2m"}, "mixed_for", "as long as a stage is watched (2m)"),
        (
            (FLAG, OTHER),
            {"capacity": {**READY, "target": "chat-exposure"}},
            "capacity.target",
            "chat-exposure holds the release's exposure",
        ),
        (
            (FLAG, OTHER),
            {"capacity": {**READY, "target": "gone"}},
            "capacity.target",
            "unknown target of the site 'gone'",
        ),
        (
            (FLAG, OTHER),
            {"capacity": {**READY, "checks": ["gone"]}},
            "capacity.checks[0]",
            "unknown check of the site 'gone'",
        ),
        (
            (FLAG, OTHER),
            {"capacity": {**READY, "within": "30m"}},
            "capacity.within",
            "may take the step's whole window (30m)",
        ),
    ],
)
def test_what_can_never_work_is_refused_at_its_place(
    parts: tuple[dict[str, Any], ...], more: dict[str, Any], place: str, message: str
) -> None:
    problems = said(*parts, **more)
    assert [(severity, path) for severity, path, _ in problems] == [("error", f"steps[2].{place}")]
    assert message in problems[0][2]


def test_a_bound_that_one_hanging_target_exceeds_is_doubted() -> None:
    ((severity, path, message),) = said(FLAG, OTHER, bound="10s")
    assert (severity, path) == ("warning", "steps[2].mixed_for")
    assert "write 15s or more" in message


def test_a_pointer_that_is_named_alone_cannot_follow_the_stages() -> None:
    ((severity, path, message),) = found({"steps.2.target": "alias"}, site=AT)
    assert (severity, path) == ("error", "steps[2].target")
    assert "a pointer, which cannot be at 50 %" in message
    assert found({"steps.2.target": "alias", "steps.2.stages": [0]}, site=AT) == []


@pytest.mark.parametrize(
    ("other", "place", "message"),
    [
        ({"target": "gone"}, "targets[0].target", "unknown target of the site 'gone'"),
        ({"target": "alias"}, "targets[0].target", "alias is a pointer"),
        ({**POINTER, "flips_at": 50}, "targets[0].flips_at", "50 % is none of the stages; write one of 0"),
    ],
)
def test_the_targets_of_an_alternative_are_held_to_the_same(
    other: dict[str, Any], place: str, message: str
) -> None:
    strict = {"name": "strict", "about": "the strict guardrail for everybody", "targets": [other]}
    problems = said(FLAG, OTHER, alternatives=[strict])
    assert ("error", f"steps[2].alternatives[0].{place}") in [(one, path) for one, path, _ in problems]
    assert any(message in text for _, _, text in problems)


def test_a_capacity_of_nothing_is_warned_of() -> None:
    ((severity, path, message),) = said(FLAG, OTHER, POINTER, capacity={**READY, "percent": 0})
    assert (severity, path) == ("warning", "steps[2].capacity.percent")
    assert "0 % is there whatever the baseline has; write what it needs" in message


def test_a_pointer_that_would_never_come_up_is_refused() -> None:
    up = {
        "step": "rollout",
        "owner": "on_call",
        "targets": [FLAG, {**POINTER, "flips_at": 100}],
        "mixed_for": "90s",
        "stages": [1, 10, 100],
        "soak": "10m",
        "within": "4h",
        "on_timeout": "hold",
    }
    problems = found({"rollout": [up]}, site=AT)
    ((path, message),) = [(path, text) for _, path, text in problems if "flips_at" in path]
    assert path == "rollout[0].targets[1].flips_at"
    assert "alias would never come to the release" in message
