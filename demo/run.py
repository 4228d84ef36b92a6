"""One run of the demo: its folder, its deadline, the signals that stop it, and its exit code."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
from rich.console import Console

from backout.errors import BackoutError
from demo.play import Ending, Play
from demo.processes import tail
from demo.story import Story
from demo.world import World, fresh_folder, shortest

LASTING_S = 240.0
"""It takes 45 s; on a machine that gives it a quarter of a core, three times as long."""
INTERACTIVE_LASTING_S = 1800.0
# A process that exits right after its last connection closed may crash in the SDK's native threads.
_SETTLE_S = 0.1
STOPPED = 130
_TO_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class DemoTookTooLong(BackoutError):
    """The demo gave up after {seconds:g} s, waiting for {awaited}. The ends of its logs are below."""


class Demo:
    """One run of the demo, from its folder to its exit code."""

    def __init__(self, console: Console, *, interactive: bool, lasting_s: float) -> None:
        self._console = console
        self._interactive = interactive
        self._lasting_s = lasting_s

    async def run(self, parent: Path) -> int:
        """Perform in a fresh folder below `parent`, stop everything, and return the exit code."""
        try:
            with fresh_folder(parent) as folder:
                return await self._perform(World(folder))
        except BackoutError as problem:
            self._complain(str(problem))
            return 1

    async def _perform(self, stage: World) -> int:
        try:
            with _cancelled_by_signals():
                ending = await self._play(stage)
        except (BackoutError, aiohttp.ClientError) as problem:
            self._complain(str(problem), stage)
            return 1
        except asyncio.CancelledError:
            self._complain("Stopped before its end.")
            return STOPPED
        finally:
            await stage.stop()
            await asyncio.sleep(_SETTLE_S)
        said = "The release is backed out." if ending.well else "Something is not well: see the ✗ above."
        again = f"Browse the incident again: {stage.browse}"
        written = shortest(Path(ending.postmortem)) if ending.postmortem else "none was written"
        self._print("", said, again, f"Postmortem: {written}")
        return 0 if ending.well else 1

    async def _play(self, stage: World) -> Ending:
        with Story(self._console) as story:
            play = Play(stage, story, interactive=self._interactive, lasting_s=self._lasting_s)
            try:
                async with asyncio.timeout(self._lasting_s):
                    return await play.run()
            except TimeoutError:
                raise DemoTookTooLong(seconds=self._lasting_s, awaited=stage.awaited) from None

    def _complain(self, problem: str, stage: World | None = None) -> None:
        self._print("", problem)
        for part in stage.parts if stage else ():
            self._print(f"\n--- {part.name}: {part.log}", tail(part.log))

    def _print(self, *lines: str) -> None:
        self._console.print(*lines, sep="\n", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _cancelled_by_signals() -> Iterator[None]:
    """Let a signal cancel what runs inside; afterwards, while everything stops, further ones do nothing."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    for asked in _TO_STOP:
        loop.add_signal_handler(asked, task.cancel if task else _nothing)
    try:
        yield
    finally:
        for asked in _TO_STOP:
            loop.add_signal_handler(asked, _nothing)


def _nothing() -> None:
    """Take a signal and do nothing: the demo is stopping already."""


def perform(*, interactive: bool, parent: Path) -> int:
    """Run the demo in a fresh folder below `parent` and return its exit code."""
    lasting_s = INTERACTIVE_LASTING_S if interactive else LASTING_S
    return asyncio.run(Demo(Console(), interactive=interactive, lasting_s=lasting_s).run(parent))
