"""Problems of a document: what is wrong, where, and what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Literal, TypeAlias

from backout.model import Frozen

Path: TypeAlias = tuple[str | int, ...]
"""The way to a value in a document: keys of mappings and indices of lists."""

_PLAIN = re.compile(r"[\w$-]+")


class Place(Frozen):
    """A place in a text, as editors count it: the first line is 1, the first column is 1."""

    line: int = 1
    column: int = 1


START = Place()


class Problem(Frozen):
    """Something that is wrong in a document, and what to do about it."""

    path: Path
    message: str
    severity: Literal["error", "warning"] = "error"
    on_key: bool = False
    """The path's last key itself is what is wrong, not its value."""


class Finding(Frozen):
    """A problem with its place in a file."""

    file: str
    line: int
    column: int
    path: str
    """The way to the value, such as `steps[2].owner`; empty for the whole document."""
    message: str
    severity: Literal["error", "warning"] = "error"

    @property
    def text(self) -> str:
        """The finding as one line, `file:line:column: path: message`; a warning says that it is one."""
        severity = "warning: " if self.severity == "warning" else ""
        path = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}:{self.column}: {severity}{path}{self.message}"


def found_at(place: Place, problem: Problem, *, file: str) -> Finding:
    """Return the problem as a finding at this place."""
    return Finding(
        file=file,
        line=place.line,
        column=place.column,
        path=spell(problem.path),
        message=problem.message,
        severity=problem.severity,
    )


def spell(path: Path) -> str:
    """Write a path as people do: `steps[2].owner`."""
    written = ""
    for part in path:
        if isinstance(part, int):
            written += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            written += f".{part}" if written else part
        else:
            written += f"[{part!r}]"
    return written


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that a name is unknown, with the nearest known one and all of them in their order."""
    names = list(known)
    near = get_close_matches(name, names, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else "."
    return f"unknown {kind} '{name}'{hint} Known: {', '.join(names) or 'none'}"
