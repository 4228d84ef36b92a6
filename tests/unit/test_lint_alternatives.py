"""What lint says of alternatives: their names, their stages, and the targets that they name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.linted import SITE, found

TARGET = {"target": "images-exposure"}
STRICT: dict[str, Any] = {"name": "strict", "about": "the strict guardrail", "targets": [TARGET]}
QUIET = {**STRICT, "name": "quiet"}


def said(*alternatives: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return what lint says of the complete playbook with these alternatives."""
    return found({"steps.2.alternatives": list(alternatives)}, site=SITE)


def test_alternatives_with_names_of_their_own_are_sound() -> None:
    assert said(STRICT, {**QUIET, "stages": [50, 0]}) == []


@pytest.mark.parametrize(
    ("alternatives", "place", "message"),
    [
        ((STRICT, STRICT), "[1].name", "'strict' is what another alternative is called"),
        (({**STRICT, "name": "revert"},), "[0].name", "'revert' is what the revert itself is called"),
        ((STRICT, {**QUIET, "stages": [0, 50]}), "[1].stages[1]", "50 % does not come after 0 %"),
        (({**STRICT, "targets": [TARGET, TARGET]},), "[0].targets[1].target", "there twice"),
    ],
    ids=["two of one name", "named like the revert", "stages that rise", "a target twice"],
)
def test_what_nobody_could_tell_apart_or_what_goes_up_is_refused(
    alternatives: tuple[dict[str, Any], ...], place: str, message: str
) -> None:
    at = f"steps[2].alternatives{place}"
    assert [(severity, message in text) for severity, path, text in said(*alternatives) if path == at] == [
        ("error", True)
    ]
