"""What `backout backtest` does: run the data through the rules, print, plot and record what came of it."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import typer

from backout.arming import Record, disarmed, record_of
from backout.backtest import Backtest, Gate, Period
from backout.backtest_page import report_page
from backout.errors import FileUnreadable, NothingToTest, UnknownName
from backout.lint import checked_playbook
from backout.model import Frozen
from backout.playbook import Playbook
from backout.simulation import Simulation, judged_by_default
from backout.suggestions import Grid, GridSearch
from backout.traces import Traces
from cli import printing, tables
from cli.recording import Asked, Recording
from cli.session import run
from deployment import load_templates, record_path


class Wanted(Frozen):
    """What a person typed."""

    playbook: Path
    asked: Asked
    bad: tuple[Period, ...] = ()
    must_catch: timedelta | None = None
    max_false_per_day: float | None = None
    rules: tuple[str, ...] = ()
    report: Path | None = None
    record: bool = False
    provenance: str = ""
    grid: bool = False


class Answer(Frozen):
    """What came of it, for machines."""

    passed: bool
    result: Backtest
    grid: Grid | None = None
    report: str = ""
    record: str = ""
    disarmed: dict[str, str] = {}
    """With a record: the `auto` rules that it does not arm, each with the reason."""


def read_playbook(file: Path) -> Playbook:
    """Return the playbook of a file.

    Raises:
        FileUnreadable, InvalidDocument: it cannot be read, or is wrong.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileUnreadable(what="The playbook", path=file, why=error, remedy="Save it as UTF-8.") from error
    return checked_playbook(text, file=str(file), templates=load_templates(), site=None)


def backtest(wanted: Wanted, *, as_json: bool) -> bool:
    """Test, print and keep; return whether the gate is passed.

    Raises:
        BackoutError: what was given cannot be used. Nothing is kept then.
    """
    playbook = read_playbook(wanted.playbook)
    gate = _gate(wanted, playbook)
    recording = Recording(wanted.asked, playbook)
    traces = Traces(playbook.guard)
    result, grid = run(_simulate(wanted, playbook, gate, recording, traces))
    page = _write_report(wanted, playbook, result, grid, traces)
    record = _record(wanted, playbook, result, recording.digest)
    kept = _write_record(wanted, record)
    unarmed = disarmed(playbook, record) if record else {}
    answer = Answer(
        passed=result.passed, result=result, grid=grid, report=page, record=kept, disarmed=unarmed
    )
    if as_json:
        printing.as_json(answer)
    else:
        show(answer)
    return result.passed


def show(answer: Answer) -> None:
    """Print what came of it for people."""
    tables.backtest(answer.result, answer.grid)
    for what, path in (("Report", answer.report), ("Record", answer.record)):
        if path:
            printing.line(f"{what}: {path}")
    for rule, why in answer.disarmed.items():
        printing.line(f"Not armed: rule {rule}; {why}.")


def _gate(wanted: Wanted, playbook: Playbook) -> Gate:
    known = [rule.id for rule in playbook.rules]
    for rule in wanted.rules:
        if rule not in known:
            raise UnknownName(kind="rule", name=rule, known=known)
    return Gate(
        max_false_per_day=wanted.max_false_per_day,
        must_catch=wanted.must_catch,
        rules=wanted.rules or judged_by_default(playbook.guard),
    )


async def _simulate(
    wanted: Wanted, playbook: Playbook, gate: Gate, recording: Recording, traces: Traces
) -> tuple[Backtest, Grid | None]:
    simulation = Simulation(playbook.guard, bad=wanted.bad)
    search = GridSearch(playbook.guard, bad=wanted.bad, gate=gate) if wanted.grid else None
    async for look in recording.looks():
        said = simulation.look(look)
        if simulation.watch:
            traces.take(simulation.watch, said)
        if search:
            search.look(look)
    if simulation.watch is None:
        raise NothingToTest(why="the data is empty")
    result = simulation.result(playbook.playbook, gate, notes=recording.notes)
    return result, search.result() if search else None


def _write_report(
    wanted: Wanted, playbook: Playbook, result: Backtest, grid: Grid | None, traces: Traces
) -> str:
    if wanted.report is None:
        return ""
    page = report_page(playbook, result, grid, traces, templates=load_templates())
    _write(wanted.report, page)
    return str(wanted.report)


def _record(wanted: Wanted, playbook: Playbook, result: Backtest, data: str) -> Record | None:
    if not wanted.record:
        return None
    return record_of(
        result,
        playbook.guard,
        data=data,
        provenance=wanted.provenance,
        version=version("backout"),
        at=datetime.now(UTC).replace(microsecond=0),
    )


def _write_record(wanted: Wanted, record: Record | None) -> str:
    if record is None:
        return ""
    path = record_path(wanted.playbook)
    _write(path, record.model_dump_json(indent=2) + "\n")
    return str(path)


def _write(path: Path, text: str) -> None:
    """Write a file as a whole, or not at all."""
    new = path.with_name(f".{path.name}.new")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    except OSError as error:
        with suppress(OSError):
            new.unlink()
        msg = f"{path} cannot be written: {error.strerror}"
        raise typer.BadParameter(msg) from error
