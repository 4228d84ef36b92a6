"""A flag in a flagd file, as tests write and read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from adapters.targets.flagd_file import FlagdFile
from backout.exposure import Exposure

HASHED = {"cat": [{"var": "$flagd.flagKey"}, {"var": "targetingKey"}]}


def flag(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  # any JSON
    base = {"state": "ENABLED", "variants": {"r1": "one", "r2": "two", "r3": "three"}, "defaultVariant": "r2"}
    return base | changes


def write(folder: Path, **changes: Any) -> Path:  # noqa: ANN401  # any JSON
    path = folder / "flags.json"
    path.write_text(json.dumps({"flags": {"chat": flag(**changes)}}))
    return path


def split(*entries: Any) -> dict[str, Any]:  # noqa: ANN401  # any JSON
    return {"fractional": [HASHED, *entries]}


def flag_in(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())["flags"]["chat"]
    return found


async def put(
    path: Path, percent: int, key: str, *, release: str = "r2", by: str = "targetingKey"
) -> Exposure:
    return await FlagdFile(str(path), "chat", "r1", by).set(
        service="chat", release=release, percent=percent, key=key
    )


def names_in(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


async def exposure(path: Path, release: str = "r2") -> int:
    return (await FlagdFile(str(path), "chat", "r1").read(service="chat", release=release)).percent
