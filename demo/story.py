"""The demo's story on the terminal: chapters, the incident's events as they come, and the world beside them.

On a terminal a line at the bottom lives; anywhere else the story is plain lines.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from backout.timeline import Event, IncidentOpened, StepStarted
from demo import releases
from demo.traffic import Seen
from demo.words import CHAPTERS, seen_in_words, standing_in_words, told

_BAR_CELLS = 12
_LEVELS = "▁▂▃▄▅▆▇█"
_FULL_LEVEL_PERCENT = 20.0
_PLAIN_STATUS_EVERY_S = 4.0
_STYLES = {
    "✗": "bold red",
    "▲": "bold red",
    "▼": "bold cyan",
    "✓": "green",
    "☎": "yellow",
    "☑": "yellow",
    "✉": "magenta",
}


class Story:
    """Tells the demo; a context manager, because the line at the bottom must be taken away again."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started_at = datetime.now(UTC)
        self._chapters: list[str] = []
        self._told = 0
        self._rates: deque[float | None] = deque(maxlen=12)
        self._status_at = self._started_at
        self._live = Live(console=console, transient=True, refresh_per_second=4)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def chapter(self, title: str) -> None:
        """Open a chapter, unless it is open or was before."""
        if title not in self._chapters:
            self._chapters.append(title)
            self._console.print(f"\n[bold]{len(self._chapters)}  {title}[/bold]", highlight=False)

    def say(self, text: str, *, mark: str = "·", at: datetime | None = None) -> None:
        """Say one thing, now or as of a moment."""
        seconds = max(0, int(((at or datetime.now(UTC)) - self._started_at).total_seconds()))
        clock = f"{seconds // 60:02}:{seconds % 60:02}"
        if not self._console.is_terminal:
            self._console.print(f"  {clock} {mark} {text}", markup=False, highlight=False, soft_wrap=True)
            return
        line = Table.grid(padding=(0, 1))
        line.add_row(Text(f"  {clock}", style="dim"), Text(mark, style=_STYLES.get(mark, "dim")), Text(text))
        self._console.print(line)

    def tell(self, timeline: Iterable[Event]) -> None:
        """Tell the events that were not told yet, each once."""
        for event in timeline:
            if event.seq <= self._told:
                continue
            self._told = event.seq
            if isinstance(event, IncidentOpened | StepStarted):
                kind = event.kind if isinstance(event, StepStarted) else "detect"
                self.chapter(CHAPTERS.get(kind, kind))
            mark, sentence = told(event)
            if sentence:
                self.say(sentence, mark=mark, at=event.at)

    def look(self, *, exposure: Mapping[str, int], seen: Seen) -> None:
        """Show the world: each target's exposure as the engine last read it, and what the users see."""
        self._rates.append(seen.error_percent)
        if self._console.is_terminal:
            self._live.update(_living(exposure, seen, self._rates))
            return
        now = datetime.now(UTC)
        if (now - self._status_at).total_seconds() >= _PLAIN_STATUS_EVERY_S:
            self._status_at = now
            self.say(_plain(exposure, seen))


def _plain(exposure: Mapping[str, int], seen: Seen) -> str:
    return ", ".join(filter(None, (standing_in_words(exposure), seen_in_words(seen))))


def _living(exposure: Mapping[str, int], seen: Seen, rates: Iterable[float | None]) -> Text:
    if seen.candidate_percent is None or seen.error_percent is None:
        return Text(f"\n  {_plain(exposure, seen)}")
    full = round(seen.candidate_percent / 100 * _BAR_CELLS)
    return Text.assemble(
        f"\n  on {releases.CANDIDATE} ",
        ("█" * full, "cyan"),
        ("░" * (_BAR_CELLS - full), "dim"),
        (f" {seen.candidate_percent:.0f} % of answers", "bold"),
        f" ({standing_in_words(exposure)})" if exposure else "",
        "   errors ",
        ("".join(" " if rate is None else _level(rate) for rate in rates), "red"),
        (f" {seen.error_percent:.1f} %", "bold"),
    )


def _level(percent: float) -> str:
    return _LEVELS[min(int(percent / _FULL_LEVEL_PERCENT * len(_LEVELS)), len(_LEVELS) - 1)]
