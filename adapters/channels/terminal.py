"""The terminal, where no Slack is configured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.text import Text

from adapters.channels.answers import answers_to
from adapters.channels.plain import spans
from adapters.clock import SystemClock
from backout.messages import Message, Posted
from backout.people import Person
from backout.ports import Clock
from backout.rendering import escape_mrkdwn

_INDENT = " " * 10
_SYSTEM_CLOCK = SystemClock()


class Terminal:
    """Prints messages with the local time; colour only where the stream is a terminal."""

    def __init__(self, stream: TextIO, clock: Clock = _SYSTEM_CLOCK) -> None:
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._clock = clock
        self._count = 0
        self._shown: dict[str, Message] = {}

    async def post(self, *, message: Message, people: Sequence[Person]) -> Posted:
        """Print a message and whom it calls."""
        self._count += 1
        ref = f"terminal:{self._count}"
        if message.thread is None:
            # Only messages of their own are updated; there is one for each incident.
            self._shown[ref] = message
        called = [f"calling {', '.join(person.name for person in people)}"] if people else []
        self._print(message.title, [*called, *message.text.split("\n"), *_commands(message)])
        return Posted(ref=ref)

    async def update(self, *, ref: str, message: Message) -> None:
        """Print what is new in a message."""
        before = self._shown.get(ref)
        old = {before.title, *before.text.split("\n"), *_commands(before)} if before else set()
        self._shown[ref] = message
        lines = [*message.text.split("\n"), *_commands(message)]
        if new := [line for line in lines if line not in old]:
            self._print(message.title, new)

    def _print(self, title: str, lines: Sequence[str]) -> None:
        first, *rest = [line for line in (title, *lines) if line.strip()] or [""]
        text = Text(f"{self._clock.now().astimezone():%H:%M:%S}  ", style="dim", end="")
        text.append_text(_readable(first, "bold" if title else ""))
        for line in rest:
            text.append_text(Text(f"\n{_INDENT}", end="")).append_text(_readable(line, ""))
        self._console.print(text)


def _commands(message: Message) -> list[str]:
    return [f"answer with: backout {escape_mrkdwn(answer)}" for answer in answers_to(message)]


def _readable(line: str, style: str) -> Text:
    """Turn Slack's mrkdwn into text for a terminal."""
    text = Text(style=style)
    for part, bold in spans(line):
        text.append(part, style="bold" if bold else None)
    return text
