"""The `backout` command."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from backout.errors import BackoutError, EngineDown, Unanswered
from cli import (
    acts,
    alerts,
    authority,
    backtest,
    event,
    incidents,
    notices,
    oncall,
    operate,
    quarantine,
    release,
    triggers,
)
from cli.playbook import app as playbook

REFUSED, ENGINE_DOWN = 1, 3
"""Exit codes; typer itself exits with 2 where the command line is wrong."""

app = typer.Typer(
    name="backout",
    help="Run the playbook of a bad release: detect, escalate, revert in stages, check, verify, write up.",
    epilog="Exit codes: 0 done, 1 refused or failed, 2 wrong command line, 3 the engine is out of reach.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
operate.add_to(app)
quarantine.add_to(release.app)
app.add_typer(release.app, name="release", rich_help_panel="Tell")
app.add_typer(event.app, name="event", rich_help_panel="Tell")
app.add_typer(incidents.app, name="incidents", rich_help_panel="Look")
app.add_typer(alerts.app, name="alerts", rich_help_panel="Look")
app.add_typer(authority.app, name="authority", rich_help_panel="Look")
app.add_typer(notices.app, name="notices", rich_help_panel="Look")
app.add_typer(playbook, name="playbook", rich_help_panel="Look")
app.add_typer(triggers.app, name="triggers", rich_help_panel="Look")
app.command(rich_help_panel="Look")(oncall.oncall)
app.command(rich_help_panel="Look")(backtest.backtest)
acts.add_to(app)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"backout {version('backout')}")
        raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[  # its callback acts
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take what belongs to no single command."""


def main() -> None:
    """Run the command line; an error is one message, and the exit code tells its kind."""
    try:
        app()
    except BackoutError as error:
        print(f"backout: {error}", file=sys.stderr)  # noqa: T201  # for the person at the terminal
        sys.exit(ENGINE_DOWN if isinstance(error, EngineDown | Unanswered) else REFUSED)


if __name__ == "__main__":
    main()
