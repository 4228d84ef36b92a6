"""The page of a backtest: one HTML file with plots that needs nothing else, in light and in dark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from backout.backtest import Backtest
from backout.model import format_duration
from backout.playbook import Playbook
from backout.plots import LEFT, RIGHT, WIDTH, Frame, marks, moment, panels, shades
from backout.rendering import render
from backout.suggestions import Grid
from backout.traces import Traces

_TEMPLATE = "backtest/report.html.j2"


def report_page(
    playbook: Playbook, result: Backtest, grid: Grid | None, traces: Traces, *, templates: Mapping[str, str]
) -> str:
    """Return the page. Nothing in it is loaded from elsewhere, and no script runs."""
    frame = Frame(traces)
    fires = sorted((fire for rule in result.rules for fire in rule.fires), key=lambda fire: fire.at)
    return render(
        _TEMPLATE,
        templates=templates,
        result=result,
        version=playbook.version,
        ticks=f"{result.ticks:,}",
        tick=format_duration(playbook.tick),
        span=f"{moment(result.start)} to {moment(result.end)}" if result.start and result.end else "",
        days=f"{result.healthy_days:.3g}",
        verdict=_verdict(result),
        facts=tuple(facts(result)),
        fires=fires,
        marks=marks(result, traces, frame),
        shades=shades(result, traces, frame),
        times=tuple(frame.times()),
        panels=panels(traces, frame),
        grid=_cells(grid) if grid else (),
        width=WIDTH,
        left=LEFT,
        right=RIGHT,
    )


def facts(result: Backtest) -> Iterator[str]:
    """Yield what stands beside the rules, a sentence each: false fires, blind time, vetoes and notes."""
    yield (
        f"False fires of the judged rules: {result.false}, {rate(result.false_per_day)} a day; at most "
        f"{rate(result.at_most_per_day)} a day with 95 % confidence."
    )
    for blind in result.blind:
        lasting = format_duration(timedelta(seconds=blind.blind_s))
        yield f"Blind: source {blind.source} for {lasting} ({blind.share:.1%})."
    for held in result.held_back:
        yield f"Held back: rule {held.rule} by veto {held.veto}, {_times(held.times)}."
    for what, times in result.observed.items():
        yield f"Only observed: {what}, {_times(times)}."
    for note in result.notes:
        yield f"Not shown: {note}."


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def rate(value: float | None) -> str:
    """Write a number per day; a dash where there is none."""
    return "-" if value is None else f"{value:.3g}"


def length(seconds: float | None) -> str:
    """Write a length of time given in seconds; a dash where there is none."""
    return "-" if seconds is None else format_duration(timedelta(seconds=seconds))


def _verdict(result: Backtest) -> str:
    if result.gate.max_false_per_day is None and result.gate.must_catch is None:
        return "open"
    return "passed" if result.passed else "failed"


def _cells(grid: Grid) -> tuple[dict[str, object], ...]:
    return tuple(
        {
            "factor": cell.factor,
            "sustain": length(cell.sustain_s) if cell.sustain_s else "as it is",
            "false": cell.false,
            "missed": cell.missed,
            "median": length(cell.median_s),
        }
        for cell in (grid.own, *grid.cells)
    )
