"""Backout's real processes beside the least that the same engine could do, in one run."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Iterable
from pathlib import Path

from bench import after_kill, crowd, report
from bench.first_change import rounds
from bench.first_page import pages
from bench.outage import outage
from bench.stand import Stand, memory_mb, set_up
from cli.processes import Child

# A process that exits right after its last connection closed may crash in the SDK's native threads.
_SETTLE_S = 0.1


class Asked(argparse.Namespace):
    """What to measure, and how much of it."""

    rounds: int
    kills: int
    incidents: int
    outage: float
    folder: Path | None


async def run(folder: Path, asked: Asked) -> None:
    """Measure and print; what is asked for none of is left out."""
    async with set_up(folder) as stand:
        worker = await stand.run_worker()
        _say(report.heading(asked.rounds))
        if asked.rounds:
            await _first_effects(stand, worker, asked.rounds)
        if asked.kills:
            worker = await _kills(stand, worker, asked.kills)
        if asked.incidents:
            await _crowd(stand, worker, asked.incidents)
        if asked.outage:
            _say(report.outage(await outage(stand, asked.outage)))
    await asyncio.sleep(_SETTLE_S)


async def _first_effects(stand: Stand, worker: Child, count: int) -> None:
    _say(report.first_change(await rounds(stand, count)))
    incident = f"incident/chat/r{count - 1}"
    sizes = [await _size(stand, one) for one in (incident, f"{incident}/revert/1")]
    _say(report.sizes(sizes, count, memory_mb(worker)))
    _say(report.first_page(await pages(stand, count)))


async def _kills(stand: Stand, worker: Child, count: int) -> Child:
    """Return the worker that is left."""
    worker, standby = await after_kill.kills(stand, worker, count, standby=True)
    worker, cold = await after_kill.kills(stand, worker, count, standby=False)
    _say(report.after_kill({"another worker stands by": standby, "another worker is started": cold}))
    return worker


async def _crowd(stand: Stand, worker: Child, count: int) -> None:
    releases = [f"c{number}" for number in range(count)]
    opened_s = await crowd.opened(stand, releases)
    taken = await crowd.acknowledged(stand, releases[: crowd.MOST_ACKS], worker)
    _say(report.crowd(count, opened_s, memory_mb(worker), taken))


async def _size(stand: Stand, workflow: str) -> report.Size:
    found = (await stand.client.get_workflow_handle(workflow).describe()).raw_info
    return report.Size(found.type.name, found.history_length, found.history_size_bytes)


def _say(lines: Iterable[str]) -> None:
    print(*lines, "", sep="\n", flush=True)


def main() -> None:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--rounds",
        type=int,
        default=100,
        help="incidents to measure, 0 or two at least (default: %(default)s)",
    )
    parser.add_argument("--kills", type=int, default=5, help="workers to kill, twice (default: %(default)s)")
    parser.add_argument(
        "--incidents", type=int, default=1000, help="incidents that are open at once (default: %(default)s)"
    )
    parser.add_argument(
        "--outage", type=float, default=60.0, help="seconds without the engine (default: %(default)s)"
    )
    parser.add_argument("--folder", type=Path, help="an empty folder for logs and databases, which stays")
    asked = parser.parse_args(namespace=Asked())
    with tempfile.TemporaryDirectory(prefix="backout-bench-") as gone:
        asyncio.run(run(asked.folder or Path(gone), asked))


if __name__ == "__main__":
    main()
