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
Place = Annotated[
    str,
    typer.Argument(metavar="SERVICE/RELEASE", help="The release, such as chat/r2; 'chat r2' means it too."),
]
Release = Annotated[str | None, typer.Argument(metavar="RELEASE", hidden=True)]
STATE = Path(".backout")
SITE = Path("site.yaml")


def named(place: str, release: str | None) -> tuple[str, str]:
    """Return the service and the release that are meant by one word, or by two."""
    service, slash, second = place.partition("/")
    if not service or bool(slash) == (release is not None) or not (second or release):
        given = " ".join(filter(None, (place, release)))
        msg = f"'{given}' is no release; write it as SERVICE/RELEASE, such as '{service or 'chat'}/r2'"
        raise typer.BadParameter(msg)
    return service, second or release or ""


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
