"""The options that several commands share."""

from __future__ import annotations

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
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
STATE = Path(".backout")
SITE = Path("site.yaml")
