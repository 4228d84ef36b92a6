"""Files that grow by lines: what was written since they were read last."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

LINE_LIMIT = 1024 * 1024
"""Bytes that a line may have."""
_HEAD = 1024
_SHOWN = 3


class Line(NamedTuple):
    """A whole line of a file, counted from 1."""

    number: int
    text: bytes | None
    """None where it is longer than LINE_LIMIT."""


class Tail:
    """One file. A last line without an end waits for it; a file that was replaced begins anew."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._seen: tuple[int, ...] = ()
        """Whose file it is, its size and when it was written, at the last reading."""
        self._head = b""
        """How it began then."""
        self._offset = 0
        self._lines = 0
        self._is_long = False
        """The line that is being read is longer than LINE_LIMIT."""
        self._refused: list[str] = []
        self.refusals = 0
        """Lines of the file that were refused."""
        self.newest = 0
        """The latest instant that a line of it told of, in microseconds since 1970."""

    def new_lines(self, most: int) -> Iterator[Line]:
        """Yield lines that came since the last time, at most so many; of a replaced file, from its beginning.

        Raises:
            OSError: the file cannot be read.
        """
        found = os.stat(self.path)  # noqa: PTH116  # this is called at every look
        seen = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        if seen == self._seen:
            return
        with Path(self.path).open("rb") as file:
            if self._seen[:2] != seen[:2] or found.st_size < self._offset or not self._begins_as_before(file):
                self._begin()
            file.seek(self._offset)
            lines = self._lines + most
            yield from self._whole_lines(file, lines)
            file.seek(0)
            self._head = file.read(min(_HEAD, self._offset))
        # With lines that are left, it is not seen as it is: the next time goes on.
        self._seen = seen[:2] if self._lines == lines else seen

    def refuse(self, line: Line, why: str) -> None:
        """Keep why a line does not count."""
        self.refusals += 1
        if len(self._refused) < _SHOWN:
            self._refused.append(f"{self.path}:{line.number}: {why}")

    @property
    def refused(self) -> tuple[str, ...]:
        """The first lines that do not count, each as `file:line: why`."""
        return tuple(self._refused)

    def _begins_as_before(self, file: BinaryIO) -> bool:
        file.seek(0)
        return file.read(len(self._head)) == self._head

    def _begin(self) -> None:
        self._offset = self._lines = self.refusals = self.newest = 0
        self._is_long = False
        self._refused.clear()

    def _whole_lines(self, file: BinaryIO, up_to: int) -> Iterator[Line]:
        while self._lines < up_to and (text := file.readline(LINE_LIMIT)):
            has_end = text.endswith(b"\n")
            if not has_end and len(text) < LINE_LIMIT:
                return
            self._offset += len(text)
            if not has_end:
                self._is_long = True
                continue
            self._lines += 1
            yield Line(self._lines, None if self._is_long else text)
            self._is_long = False
