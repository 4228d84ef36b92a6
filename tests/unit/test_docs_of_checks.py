"""What the page on integrity checks shows is right: its examples fit, its commands are the tested ones."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import TypeAdapter
from ruamel.yaml import YAML

from backout.checks import Check
from backout.site_lint import site_problems
from backout.steps import CheckStep, Step
from backout.yaml_text import load_site
from tests.adapters.test_digest_check import CANONICAL

PAGE = Path("docs/how-to/integrity-checks.md").read_text(encoding="utf-8")
STEP, CHECKS = (YAML(typ="safe").load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
SITE = load_site(Path("tests/unit/data/site.yaml").read_text(), file="site.yaml")


def test_the_example_has_one_of_each_kind_beside_http_and_nothing_is_odd_about_it() -> None:
    checks = TypeAdapter(dict[str, Check]).validate_python(CHECKS["checks"])
    kinds = {check.kind for check in checks.values()}
    assert kinds == {"sql", "command", "digest", "drained", "purged", "pairing", "outputs"}
    assert list(site_problems(SITE.model_copy(update={"checks": checks}))) == []


def test_the_step_of_the_example_runs_checks_of_the_example() -> None:
    (step,) = TypeAdapter(list[Step]).validate_python(STEP)
    assert isinstance(step, CheckStep)
    assert set(step.checks) <= set(CHECKS["checks"])


def test_the_command_for_the_digest_of_a_folder_is_the_one_that_is_tested() -> None:
    assert f"$ cd folder && {CANONICAL}\n" in PAGE
