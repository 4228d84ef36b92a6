"""`backout backtest`: hold a playbook's rules against the past, before they are armed."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backout.backtest import Period
from backout.errors import BackoutError
from backout.model import parse_duration
from backout.recorded import zoned
from cli import options

if TYPE_CHECKING:
    from cli import backtesting

WRONG = 2
"""Exit code: what was given cannot be used."""


def moment(text: str) -> datetime:
    """Read a moment of the command line."""
    try:
        return zoned(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _span(text: str) -> Period:
    start, separator, end = text.partition("..")
    if not separator:
        msg = f"'{text}' is no time span; write FROM..TO"
        raise typer.BadParameter(msg)
    period = Period(start=moment(start), end=moment(end))
    if period.end <= period.start:
        msg = f"'{text}' ends before it begins"
        raise typer.BadParameter(msg)
    return period


def _duration(text: str) -> timedelta:
    try:
        found = parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    assert isinstance(found, timedelta)  # noqa: S101  # it returns nothing else
    return found


def _per_day(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not (math.isfinite(found) and found >= 0):
        msg = f"'{text}' is no number of false fires a day"
        raise typer.BadParameter(msg)
    return found


Data = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        readable=True,
        help="A CSV file of counts, or evaluation reports (.jsonl).",
    ),
]
Sources = Annotated[
    list[str] | None, typer.Option("--source", help="A source of the site that remembers; can be repeated.")
]
From = Annotated[
    datetime | None,
    typer.Option("--from", parser=moment, metavar="TIME", help="Begin here, such as 2026-11-20T21:00:00Z."),
]
To = Annotated[datetime | None, typer.Option("--to", parser=moment, metavar="TIME", help="End here.")]
Service = Annotated[str, typer.Option(help="Fills in $service; the playbook's own without it.")]
Release = Annotated[str, typer.Option(help="Fills in $release.")]
Baseline = Annotated[str, typer.Option(help="Fills in $baseline.")]
_Bad = Annotated[
    list[Period] | None,
    typer.Option(parser=_span, metavar="FROM..TO", help="The release was bad in this time; can be repeated."),
]
_Within = Annotated[
    timedelta | None,
    typer.Option(
        "--must-catch", parser=_duration, metavar="TIME", help="Fail where a bad period is caught later."
    ),
]
_False = Annotated[
    float | None,
    typer.Option(
        "--max-false-per-day",
        parser=_per_day,
        metavar="NUMBER",
        help="Fail at more false fires a day, or if that is not shown.",
    ),
]
_Rules = Annotated[
    list[str] | None,
    typer.Option("--rule", help="Judge this rule; can be repeated. Without it: all that revert."),
]
_Report = Annotated[
    Path | None, typer.Option(dir_okay=False, help="Write a page with plots, all in one HTML file.")
]
_Record = Annotated[
    bool, typer.Option("--record", help="Keep the result beside the playbook; it arms 'auto'.")
]
_Provenance = Annotated[str, typer.Option(help="What people should know of the data; kept in the record.")]
_Grid = Annotated[bool, typer.Option("--grid", help="Try other limits and other patience too. Slow.")]


def need_data(
    data: Path | None, sources: list[str] | None, start: datetime | None, end: datetime | None
) -> None:
    """Refuse a command line that does not say which data is meant."""
    if (data is None) == (not sources):
        msg = "say what to test on with exactly one of --data and --source"
        raise typer.BadParameter(msg)
    if sources and (start is None or end is None):
        msg = "--source needs --from and --to"
        raise typer.BadParameter(msg)
    if start and end and end <= start:
        msg = "--to is not after --from"
        raise typer.BadParameter(msg)


def backtest(  # noqa: PLR0913, PLR0917  # typer makes an option of each
    playbook: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    data: Data = None,
    sources: Sources = None,
    start: From = None,
    end: To = None,
    service: Service = "",
    release: Release = "",
    baseline: Baseline = "",
    bad: _Bad = None,
    must_catch: _Within = None,
    max_false_per_day: _False = None,
    rules: _Rules = None,
    report: _Report = None,
    record: _Record = False,
    provenance: _Provenance = "",
    grid: _Grid = False,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Hold a playbook's rules against recorded data: would they have fired, when, and how often wrongly?

    Exit codes: 0 the gate is passed (or there is none), 1 it is not, 2 what was given cannot be used.
    """
    need_data(data, sources, start, end)
    if record and (must_catch is None or max_false_per_day is None or not bad):
        msg = "--record needs a gate: --bad, --must-catch and --max-false-per-day"
        raise typer.BadParameter(msg)
    from cli import backtesting, recording  # noqa: PLC0415  # they cost 0.5 s, which --help does not need

    asked = recording.Asked(
        data=data, sources=tuple(sources or ()), start=start, end=end, site=site, state=state
    )
    named = {"service": service, "release": release, "baseline": baseline}
    wanted = backtesting.Wanted(
        playbook=playbook,
        asked=asked.model_copy(update=named),
        bad=tuple(sorted(bad or (), key=lambda one: one.start)),
        must_catch=must_catch,
        max_false_per_day=max_false_per_day,
        rules=tuple(rules or ()),
        report=report,
        record=record,
        provenance=provenance,
        grid=grid,
    )
    raise typer.Exit(_exit_code(wanted, as_json=as_json))


def _exit_code(wanted: backtesting.Wanted, *, as_json: bool) -> int:
    from cli.backtesting import backtest as run  # noqa: PLC0415  # as above

    try:
        return 0 if run(wanted, as_json=as_json) else 1
    except BackoutError as error:
        typer.echo(f"backout: {error}", err=True)
        return WRONG
