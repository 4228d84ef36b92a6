"""Evaluation reports that a test writes, line by line."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.sources.report import Reports

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def at(minutes: float) -> str:
    return (NOON + timedelta(minutes=minutes)).isoformat()


def line(
    output: str,
    made: float = 0,
    judged: float | None = None,
    labels: str = "release=r2",
    **told: bool | float,
) -> str:
    """One line: what is True or False is a verdict, what is a number is a value."""
    verdicts = {name: value for name, value in told.items() if isinstance(value, bool)}
    numbers = {name: value for name, value in told.items() if not isinstance(value, bool)}
    said = {
        "output": output,
        "at": at(made),
        "judged_at": at(made if judged is None else judged),
        "verdicts": verdicts,
        "values": numbers,
        "labels": dict(pair.split("=") for pair in labels.split()),
    }
    return json.dumps(said) + "\n"


def write(path: Path, text: str) -> None:
    path.write_text(text, errors="surrogateescape")


def remove(path: Path) -> None:
    path.unlink()


def replace(path: Path, text: str) -> None:
    """Put a new file in the place of an old one."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.rename(path)


def spoil(path: Path) -> None:
    """Write other bytes into a file, behind the back of who looks at its size and time."""
    read = path.stat()
    path.write_text(path.read_text().replace("true", "oops"))
    os.utime(path, ns=(read.st_atime_ns, read.st_mtime_ns))


def source_of(path: Path | str) -> Reports:
    return Reports(str(path), lambda: NOON + timedelta(days=1))
