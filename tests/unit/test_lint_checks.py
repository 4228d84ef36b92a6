"""Lint holds the checks of a playbook against those of the site: their time, and what they change."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from backout.checks import Check
from backout.lint_checks import check_step_problems
from tests.unit.linted import GONE, SITE, Changes, changed, step

CHECKS = TypeAdapter(dict[str, Check]).validate_python(
    {
        "slow": {"kind": "http", "url": "http://h/c", "timeout": "20m"},
        "quick": {"kind": "http", "url": "http://h/c", "timeout": "2s"},
        "command": {"kind": "command", "timeout": "2s", "command": ["/bin/true"]},
        "purge": {
            "kind": "purged",
            "url": "http://h/c",
            "timeout": "2s",
            "age_below": "1m",
            "purge": {"url": "http://h/p"},
        },
        "mark": {
            "kind": "outputs",
            "url": {"env": "URL"},
            "timeout": "2s",
            "ids": "SELECT 1",
            "mark": "UPDATE o SET q = 1",
            "left": "SELECT 1",
        },
    }
)
WITH = SITE.model_copy(update={"checks": CHECKS})
STEPS = changed({}).steps
CHECK = next(i for i, one in enumerate(STEPS) if one.step == "check")
REVERT = next(i for i, one in enumerate(STEPS) if one.step == "revert")


def said(changes: Changes) -> list[tuple[str, tuple[str | int, ...], str]]:
    found = check_step_problems(changed(changes), WITH)
    return [(problem.severity, problem.path, problem.message) for problem in found]


def test_a_look_that_may_take_longer_than_its_steps_window_is_a_warning() -> None:
    run = step(CHECK, checks=["quick", "slow"], within="10m")
    msg = "one look may take 20m, and the step's window is over after 10m; make it longer"
    assert said({f"steps.{CHECK}": run}) == [("warning", ("steps", CHECK, "checks", 1), msg)]
    assert said({f"steps.{CHECK}": {**run, "within": "20m"}}) == []


def test_the_steps_of_the_way_up_are_looked_at_too() -> None:
    run = step(CHECK, checks=["slow"], within="10m")
    ((_, path, _),) = said({f"steps.{CHECK}.checks": ["quick"], "rollout": [run]})
    assert path == ("rollout", 0, "checks", 0)


@pytest.mark.parametrize(("name", "changes"), [("mark", "it marks outputs"), ("purge", "it purges a cache")])
def test_what_is_asked_about_the_baseline_changes_nothing(name: str, changes: str) -> None:
    proven = {"requests": 100, "over": "1h", "checks": ["quick", name]}
    capacity = {"target": "x", "checks": [name], "within": "5m"}
    msg = f"{changes}, and here the last known good release is only looked at; name another check"
    quick: Changes = {f"steps.{CHECK}.checks": ["quick"]}
    assert said({"release.proven": proven, **quick}) == [("error", ("release", "proven", "checks", 1), msg)]
    path = ("steps", REVERT, "capacity", "checks", 0)
    assert said({f"steps.{REVERT}.capacity": capacity, **quick}) == [("error", path, msg)]


def test_a_command_may_look_at_the_baseline() -> None:
    proven = {"requests": 100, "over": "1h", "checks": ["command"]}
    assert said({"release.proven": proven, f"steps.{CHECK}.checks": ["quick"]}) == []


def test_without_a_site_nothing_is_known_of_its_checks() -> None:
    assert list(check_step_problems(changed({f"steps.{CHECK}.on_failure": GONE}), None)) == []
