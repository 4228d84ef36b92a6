"""`backout authority`: who may do what in an incident, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import options

app = typer.Typer(help="Decision rights: who may do what in an incident, and why.", no_args_is_help=True)


@app.command()
def explain(  # noqa: PLR0913, PLR0917  # typer makes an option of each
    who: Annotated[str, typer.Argument(help="A person of the site file, by key or name.")],
    action: Annotated[str, typer.Argument(help="What they would do: ack, approve, hold, close ...")],
    incident: Annotated[
        str,
        typer.Argument(help="service/release, or the beginning of either; left out where only one is open."),
    ] = "",
    code: Annotated[str, typer.Option(help="Of the plan or notice that is meant, where several wait.")] = "",
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Say whether a person may do something in an incident now, and why. Nothing is done.

    Exit codes: 0 they may, 1 they may not.
    """
    from cli import rights  # noqa: PLC0415  # the Temporal SDK costs 0.3 s, which --help does not need

    asked = rights.Asked(who=who, action=action, incident=incident, code=code)
    if not rights.explain(asked, site=site, state=state, as_json=as_json):
        raise typer.Exit(1)
