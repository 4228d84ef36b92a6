"""What the reference says that targets promise is what the contract test holds against them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from backout.targets import Target
from tests.adapters.target_world import Kind
from tests.adapters.targets import KINDS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/reference/targets.md"
PROMISES: dict[str, Callable[[Kind], bool]] = {
    "The same key twice is one effect": lambda _: True,
    "A known key has no effect again, whatever came after it": lambda kind: kind.remembers_keys,
    "Users of a lower stage are among those of a higher one": lambda kind: kind.nested,
    "A change can be undone, also one that was cut short": lambda _: True,
    "What somebody else moved is left as it is, and told": lambda _: True,
    "Of two writers at the same moment one is refused": lambda kind: kind.takes_turns,
    "Who may not change it is refused": lambda kind: kind.guarded,
    "A server that is not there, or slow, is unreachable in time": lambda kind: kind.wired,
    "A change cut short at any of its writes is finished by its repeat": lambda kind: kind.wired,
    "A percent out of range is refused before anything is sent": lambda _: True,
    "A server that says yes and does nothing is found out": lambda kind: kind.wired,
}
"""The promises, and which kinds of target the contract test holds them against."""


def table(head: str) -> list[dict[str, str]]:
    """Return the rows of the table whose first column is called so, by the heads of its columns."""
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(f"| {head} |"))
    cells = [re.split(r" *\| *", line.strip("| ")) for line in _table(lines[first:])]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


def _table(lines: list[str]) -> list[str]:
    ends = next((number for number, line in enumerate(lines) if not line.startswith("|")), len(lines))
    return lines[:ends]


def models() -> dict[str, type[Any]]:
    """Return the targets of a site file, by what they are called there."""
    (union, *_) = get_args(Target)
    return {get_args(model.model_fields["kind"].annotation)[0]: model for model in get_args(union)}


def kinds_of(target: str) -> list[Kind]:
    """Return the kinds of the contract test that are about a target of the site file."""
    plain = target.strip("`").replace("-", " ")
    return [kind for name, kind in KINDS.items() if name.lower().split(" ", 1)[0] == plain.split(" ", 1)[0]]


def test_every_target_is_described() -> None:
    assert {row["Target"].strip("`") for row in table("Target")} == set(models())


@pytest.mark.parametrize("target", sorted(models()))
def test_every_promise_of_a_target_is_one_that_the_contract_test_holds_against_it(target: str) -> None:
    kinds = kinds_of(target)
    assert kinds
    said = {row["Promise"]: row[f"`{target}`"] for row in table("Promise")}
    for kind in kinds:
        assert said == {promise: "yes" if held(kind) else "no" for promise, held in PROMISES.items()}


def test_what_a_target_can_make_of_conversations_is_what_it_sees_to() -> None:
    said = {row["Target"].strip("`"): row["Conversations"] for row in table("Target")}
    assert said == {kind: ", ".join(sorted(model.sees_to)) or "none" for kind, model in models().items()}


def test_a_target_of_any_percent_is_told_from_a_pointer() -> None:
    for row in table("Target"):
        percentage = {kind.percentage for kind in kinds_of(row["Target"])}
        assert ("any percent" in row["Exposure"]) is (True in percentage)
        assert ("a pointer" in row["Exposure"]) is (False in percentage)
