"""How backtests and explanations look for people."""

from __future__ import annotations

from datetime import UTC, datetime

from backout.backtest import Backtest, Caught, RuleTally
from backout.backtest_page import facts, length, rate
from backout.model import format_duration
from backout.suggestions import Cell, Grid
from cli.printing import cells, line, show, table

_SHOWN_FIRES = 3


def backtest(result: Backtest, others: Grid | None) -> None:
    """Print what the rules would have done."""
    line(_headline(result))
    rules = table("Rule", "Does", "Authority", "Judged", "Fired", "False", "False a day", "First fires (UTC)")
    for one in result.rules:
        rules.add_row(*cells(*_rule(one)))
    show(rules)
    for caught in result.caught:
        line(_caught(caught))
    for text in facts(result):
        line(text)
    if others:
        grid(others)
    _gate(result)


def _headline(result: Backtest) -> str:
    span = f"{_moment(result.start)} to {_moment(result.end)}"
    return (
        f"{result.playbook}: {result.ticks} ticks, {span}, {result.healthy_days:.3g} healthy days with data."
    )


def _rule(one: RuleTally) -> tuple[str, ...]:
    fires = [f"{_moment(fire.at)}{'' if fire.period else ' (false)'}" for fire in one.fires[:_SHOWN_FIRES]]
    more = [f"and {len(one.fires) - _SHOWN_FIRES} more"] if len(one.fires) > _SHOWN_FIRES else []
    return (
        one.rule,
        one.do.value,
        one.authority,
        "yes" if one.judged else "no",
        str(len(one.fires)),
        str(one.false),
        rate(one.false_per_day),
        ", ".join(fires + more),
    )


def _caught(one: Caught) -> str:
    span = f"Bad from {_moment(one.period.start)} to {_moment(one.period.end)}"
    if one.after is None:
        return f"{span}: MISSED"
    return f"{span}: caught by {one.rule} after {format_duration(one.after)}"


def grid(found: Grid) -> None:
    """Print what other settings would have done."""
    line("")
    line("Other settings on the same data (in-sample: they promise too much):")
    shown = table("Limits", "Sustain", "False", "False a day", "Missed", "Median", "Worst")
    for cell in (found.own, *found.cells):
        shown.add_row(*cells(*_cell(cell)))
    show(shown)
    best = found.best
    line(
        f"Quickest without more false fires: limits x{best.factor:g}, sustain {length(best.sustain_s)}. Try "
        "it on data that it was not chosen on."
        if best
        else "None is quicker than the playbook's own without more false fires."
    )


def _cell(cell: Cell) -> tuple[str, ...]:
    return (
        f"x{cell.factor:g}",
        length(cell.sustain_s) if cell.sustain_s else "as it is",
        str(cell.false),
        rate(cell.false_per_day),
        str(cell.missed),
        length(cell.median_s),
        length(max(cell.delays_s, default=None)),
    )


def _gate(result: Backtest) -> None:
    gate = result.gate
    if gate.max_false_per_day is None and gate.must_catch is None:
        line("No gate was given (--max-false-per-day, --must-catch).")
    elif result.passed:
        line("Gate passed.")
    else:
        line(f"Gate FAILED: {'; '.join(result.failures)}.")


def _moment(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at else "-"
