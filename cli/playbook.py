"""`backout playbook`: look at playbooks before they run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.markdown import Markdown

from backout.arming import armed, disarmed
from backout.checklist import render
from backout.lint import inspect
from backout.playbook import Playbook
from backout.playbook_schema import playbook_schema
from backout.problems import Finding, Problem
from backout.site import Site
from backout.site_lint import site_problems
from backout.yaml_text import read
from deployment import load_record

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"

app = typer.Typer(help="Check and show playbooks, before they run.", no_args_is_help=True)

M = TypeVar("M", bound=BaseModel)
_File = typer.Argument(exists=True, dir_okay=False, readable=True, metavar="FILE", help="A playbook.")
_Site = Annotated[
    Path | None,
    typer.Option(
        "--site", exists=True, dir_okay=False, readable=True, help="The site file to hold it against."
    ),
]


@app.command()
def lint(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, metavar="FILE")],
    site: _Site = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Say what would go wrong with playbooks: every problem with its place, and what would be right.

    With a site file, the names of its sources, targets, channels, checks and people are checked too.
    Exit codes: 0 clean (warnings alone do not fail), 1 errors, 2 the command line is wrong.
    """
    place, findings = _site(site)
    for file in files:
        findings += _inspected(file, place)[1]
    errors = sum(finding.severity == "error" for finding in findings)
    if as_json:
        typer.echo(json.dumps([finding.model_dump(mode="json") for finding in findings], indent=2))
    else:
        _print(findings)
        typer.echo(_summary(files, findings, errors, site))
    raise typer.Exit(code=1 if errors else 0)


@app.command()
def schema() -> None:
    """Print the JSON Schema of playbooks, for editors that complete and check while one writes."""
    typer.echo(json.dumps(playbook_schema(), indent=2))


@app.command()
def show(file: Annotated[Path, _File], site: _Site = None) -> None:
    """Show a whole playbook as a checklist for people: to read, to print, to run a tabletop from.

    With a site file, the people who fill each role are named; without, there are blanks to write them in.
    """
    place, findings = _site(site)
    playbook, found = _inspected(file, place)
    errors = [finding for finding in findings + found if finding.severity == "error"]
    if playbook is None or (site and place is None):
        _print(errors)
        raise typer.Exit(code=1)
    record = load_record(file)
    text = render(armed(playbook, record), members=_members(playbook, place), notices=_texts("notices/*.j2"))
    console = Console()
    if console.is_terminal:
        console.print(Markdown(text))
    else:
        typer.echo(text, nl=False)
    # The page is for a tabletop of a draft too; but nobody should take a broken plan for a good one.
    _print(errors, err=True)
    for rule, why in disarmed(playbook, record).items():
        shown = f"Rule {rule} is shown as it acts, with an approval: {why}."
        typer.secho(shown, fg=typer.colors.YELLOW, err=True)


def _site(path: Path | None) -> tuple[Site | None, tuple[Finding, ...]]:
    return _read(path, Site, site_problems) if path else (None, ())


def _read(
    path: Path, model: type[M], judge: Callable[[M], Iterable[Problem]]
) -> tuple[M | None, tuple[Finding, ...]]:
    text = _text(path)
    return (
        (None, (text,)) if isinstance(text, Finding) else read(text, file=str(path), model=model, judge=judge)
    )


def _inspected(path: Path, site: Site | None) -> tuple[Playbook | None, tuple[Finding, ...]]:
    text = _text(path)
    if isinstance(text, Finding):
        return None, (text,)
    return inspect(text, file=str(path), templates=_texts("**/*.j2"), site=site, record=load_record(path))


def _text(path: Path) -> str | Finding:
    data = path.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        message = "the file is not UTF-8 text; save it in that encoding"
        return Finding(file=str(path), line=line, column=column, path="", message=message)


def _texts(pattern: str) -> dict[str, str]:
    """Return templates by their names below templates/."""
    found = sorted(TEMPLATES.glob(pattern))
    return {path.relative_to(TEMPLATES).as_posix(): path.read_text(encoding="utf-8") for path in found}


def _members(playbook: Playbook, site: Site | None) -> dict[str, tuple[str, ...]] | None:
    if site is None:
        return None
    return {role: tuple(site.people[key].name for key in site.members(role)) for role in playbook.roles}


def _print(findings: Iterable[Finding], *, err: bool = False) -> None:
    for finding in findings:
        colour = typer.colors.RED if finding.severity == "error" else typer.colors.YELLOW
        typer.secho(finding.text, fg=colour, err=err)


def _summary(files: Sequence[Path], findings: Sequence[Finding], errors: int, site: Path | None) -> str:
    checked = _count(len(files), "playbook")
    found = (
        f"{_count(errors, 'error')}, {_count(len(findings) - errors, 'warning')}"
        if findings
        else "no problems"
    )
    hint = "" if site else " Without --site, the site's names and people were not checked."
    return f"{checked} checked: {found}.{hint}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
