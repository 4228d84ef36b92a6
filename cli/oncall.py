"""`backout oncall`: who is on call, by every rota of the site."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import options


def oncall(
    rota: Annotated[str, typer.Argument(help="Only this rota.", show_default="all of them")] = "",
    at: Annotated[
        str | None,
        typer.Option(help="The moment, such as 2026-01-05T09:00:00+01:00.", show_default="now"),
    ] = None,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Show who is on call, and when somebody else takes over, by the rotas of the site.

    The exit code is 1 if a rota cannot be asked.
    """
    from cli.rotas import show_rotas  # noqa: PLC0415  # the adapters cost time, which --help does not need

    if not show_rotas(rota, at=at, site=site, state=state, as_json=as_json):
        raise typer.Exit(1)
