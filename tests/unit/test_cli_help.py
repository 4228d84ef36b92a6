"""The command line itself: its help, its version, its documentation."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from backout.commands import VERBS
from backout.people import Action
from cli.acts import ACTS
from cli.main import app

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md"
HEAVY = ("temporalio.client", "sqlalchemy", "slack_sdk", "uvicorn", "opentelemetry.sdk")


def commands() -> Iterator[tuple[str, typer.core.TyperCommand]]:
    """Yield every command by its words."""

    def below(group: typer.core.TyperGroup, words: str) -> Iterator[tuple[str, typer.core.TyperCommand]]:
        for name, command in group.commands.items():
            if isinstance(command, typer.core.TyperGroup):
                yield from below(command, f"{words} {name}")
            elif isinstance(command, typer.core.TyperCommand):
                yield f"{words} {name}", command

    root = typer.main.get_command(app)
    assert isinstance(root, typer.core.TyperGroup)
    return below(root, "backout")


@pytest.mark.parametrize("words", [pytest.param(words, id=words) for words, _ in commands()])
def test_every_command_is_documented_with_every_option(words: str) -> None:
    preface, *chapters = REFERENCE.read_text().split("\n## ")
    chapter = next((one for one in chapters if f"### `{words}`\n" in one), "")
    assert chapter, f"docs/reference/cli.md has no heading '### `{words}`'"
    # Options stand at the command, or where its chapter or the whole reference begins.
    introduction, section = chapter.partition("\n### ")[0], chapter.partition(f"### `{words}`\n")[2]
    told = preface + introduction + section.partition("\n### ")[0]
    options = [option for parameter in dict(commands())[words].params for option in parameter.opts]
    assert not [one for one in options if one.startswith("--") and f"`{one}" not in told]


def test_every_command_says_what_it_is_for() -> None:
    assert not [words for words, command in commands() if not command.help]


def test_every_action_of_people_has_a_command() -> None:
    assert {verb.does for verb in ACTS.values()} == set(Action)
    assert {verb.name for verb in VERBS.values() if isinstance(verb.does, Action)} == set(ACTS)


def test_help_lists_every_command() -> None:
    shown = CliRunner().invoke(app, ["--help"]).stdout
    for words, _ in commands():
        assert f" {words.split()[1]} " in shown


def test_help_loads_nothing_that_is_slow() -> None:
    code = f"import sys, cli.main; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_version_is_the_project_s() -> None:
    shown = CliRunner().invoke(app, ["--version"]).stdout
    assert re.fullmatch(r"backout \d+\.\d+\.\d+\n", shown)


def test_a_mistyped_command_is_a_wrong_command_line() -> None:
    done = CliRunner().invoke(app, ["aprove"])
    assert done.exit_code == 2
    assert "approve" in done.output
