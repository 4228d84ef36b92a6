"""`backout incidents`: what there is, where it stands, and what happened."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import options

app = typer.Typer(help="Look at incidents: the list, one of them, its timeline.", no_args_is_help=True)

_Incident = Annotated[
    str, typer.Argument(help="service/release, or the beginning of either; left out where only one is open.")
]


@app.command("list")
def list_incidents(
    open_only: Annotated[bool, typer.Option("--open", help="Only those that are open.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """List the incidents, the open ones first."""
    from cli import desk  # noqa: PLC0415  # the Temporal SDK costs 0.3 s, which --help does not need

    desk.list_incidents(open_only=open_only, limit=limit, state=state, as_json=as_json)


@app.command()
def show(
    incident: _Incident = "", state: options.State = options.STATE, as_json: options.Json = False
) -> None:
    """Show where an incident stands, what it waits for and what comes next."""
    from cli import desk  # noqa: PLC0415  # as above

    desk.show(incident, state=state, as_json=as_json)


@app.command()
def timeline(
    incident: _Incident = "", state: options.State = options.STATE, as_json: options.Json = False
) -> None:
    """Show everything that happened in an incident, in order."""
    from cli import desk  # noqa: PLC0415  # as above

    desk.timeline(incident, state=state, as_json=as_json)
