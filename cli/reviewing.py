"""What `backout triggers review` does: read the data up to the revert, twice, and print what it says."""

from __future__ import annotations

from pathlib import Path

from backout.addressing import short_of
from backout.backtest import Gate
from backout.backtest_page import length
from backout.errors import NothingToTest
from backout.playbook import Playbook
from backout.rendering import clock
from backout.review import Readings, Review, reverted_at
from backout.simulation import Simulation, judged_by_default
from backout.suggestions import Grid, GridSearch
from backout.view import IncidentView
from cli import printing, tables
from cli.desk import view_of
from cli.recording import Asked, Recording
from cli.session import run


def review(incident: str, asked: Asked, *, state: Path, as_json: bool) -> None:
    """Print what the data says of an incident."""
    found = run(_review(incident, asked, state))
    if as_json:
        printing.as_json(found)
    else:
        show(found)


async def _review(incident: str, asked: Asked, state: Path) -> Review:
    return await reviewed(await view_of(incident, state), asked)


async def reviewed(view: IncidentView, asked: Asked) -> Review:
    """Return what the data says of an incident.

    Raises:
        NothingToTest: there is no data from before the revert.
    """
    until = reverted_at(view)
    meant = asked.model_copy(
        update={
            "end": min((end for end in (asked.end, until) if end), default=None),
            "service": view.summary.service,
            "release": view.summary.release,
        }
    )
    readings = Readings()
    simulation = Simulation(view.playbook.guard)
    async for look in Recording(meant, view.playbook).looks():
        simulation.look(look)
        if simulation.watch:
            readings.take(simulation.watch)
    if simulation.watch is None:
        raise NothingToTest(why="no data is from before the revert")
    found = readings.review(view.summary.incident, view.playbook.guard, until or simulation.watch.at)
    return found.model_copy(update={"grid": await _grid(found, meant, view.playbook)})


async def _grid(found: Review, asked: Asked, playbook: Playbook) -> Grid | None:
    if found.bad is None:
        return None
    gate = Gate(rules=judged_by_default(playbook.guard))
    search = GridSearch(playbook.guard, bad=(found.bad,), gate=gate)
    async for look in Recording(asked, playbook).looks():
        search.look(look)
    return search.result()


def show(found: Review) -> None:
    """Print a review for people."""
    until = f", reverted at {clock(found.reverted_at)}" if found.reverted_at else ", not reverted"
    printing.line(f"{short_of(found.incident)}: {found.ticks} ticks of data{until}")
    if not found.moved:
        printing.line("No signal shows a change that chance would not.")
    else:
        moved = printing.table(
            "Signal", "Moved at", "Before the revert", "Rate before", "Rate after", "Surprise"
        )
        for one in found.moved:
            rates = (f"{one.before:.3%}", f"{one.after:.3%}")
            surprise = f"{one.surprise:.1f} of {one.need:.1f} nats"
            moved.add_row(*printing.cells(one.stream, clock(one.at), length(one.ahead_s), *rates, surprise))
        printing.show(moved)
    if found.still:
        printing.line(f"Without a change: {', '.join(found.still)}.")
    if found.grid:
        tables.grid(found.grid)
