"""The options that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

Site = Annotated[
    Path | None,
    typer.Option(
        "--site", envvar="BACKOUT_SITE", help="The site file.", show_default="of 'backout up', or site.yaml"
    ),
]
State = Annotated[
    Path,
    typer.Option("--state", envvar="BACKOUT_STATE", help="The folder in which 'backout up' keeps its state."),
]
As = Annotated[
    str | None,
    typer.Option(
        "--as",
        help="The person who acts, by their key in the site file; another than you only where its 'act_as' "
        "lists your account.",
        show_default="your login",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
STATE = Path(".backout")
SITE = Path("site.yaml")


def labels(given: Sequence[str] | None) -> dict[str, str]:
    """Return labels that were given as `NAME=VALUE`. `BadParameter`: one is not written so."""
    found: dict[str, str] = {}
    for one in given or ():
        name, is_one, value = one.partition("=")
        if not (name and is_one):
            msg = f"'{one}' is not written NAME=VALUE"
            raise typer.BadParameter(msg, param_hint="--label")
        found[name] = value
    return found
