"""`backout triggers`: why an incident's rules decided as they did, and what would have been quicker."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import backtest, options

app = typer.Typer(
    help="See why rules fired, which signal moved first, and what other settings would have done.",
    no_args_is_help=True,
)

_Incident = Annotated[
    str, typer.Argument(help="service/release, or the beginning of either; left out where only one is open.")
]


@app.command()
def explain(
    incident: _Incident = "", state: options.State = options.STATE, as_json: options.Json = False
) -> None:
    """Explain an incident: each factor with its numbers, what was not counted, which rule fired and why."""
    from cli import explaining  # noqa: PLC0415  # the Temporal SDK costs 0.3 s, which --help does not need

    explaining.explain(incident, state=state, as_json=as_json)


@app.command()
def review(  # noqa: PLR0913, PLR0917  # typer makes an option of each
    incident: _Incident = "",
    data: backtest.Data = None,
    sources: backtest.Sources = None,
    start: backtest.From = None,
    end: backtest.To = None,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Look back on an incident: which signal moved first, and which settings would have been quicker.

    The data reaches from a healthy time before the incident to its revert, or further.
    """
    backtest.need_data(data, sources, start, end)
    from cli import reviewing  # noqa: PLC0415  # as above
    from cli.recording import Asked  # noqa: PLC0415  # as above

    asked = Asked(data=data, sources=tuple(sources or ()), start=start, end=end, site=site, state=state)
    reviewing.review(incident, asked, state=state, as_json=as_json)
