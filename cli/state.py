"""The state folder of `backout up`: who holds it, and where everything listens."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from backout.errors import AlreadyRunning, FileUnreadable
from backout.model import Frozen

_LOCK = "up.lock"
_FILE = "up.json"
_TRIES = 500
_PAUSE_S = 0.02


class UpState(Frozen):
    """Where a running `backout up` has its parts."""

    pid: int
    site: str
    temporal: str
    """The address of the engine, `host:port`."""
    namespace: str
    ui: str
    gateway: str
    worker: str
    metrics: str
    pids: dict[str, int]
    """Process ids of the parts, by name."""


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold the folder while open: one `backout up` at a time. The kernel lets go when the process ends.

    Raises:
        AlreadyRunning: another process holds it.
        FileUnreadable: the folder cannot be used.
    """
    with _open_lock(folder) as lock:
        if not _has_locked(lock):
            lock.seek(0)
            raise AlreadyRunning(folder=folder, pid=lock.read().strip() or "unknown")
        # What a killed run has left would lead others astray.
        (folder / _FILE).unlink(missing_ok=True)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            yield
        finally:
            (folder / _FILE).unlink(missing_ok=True)


def _has_locked(lock: TextIO) -> bool:
    """Take the lock, unless another process has it for itself; readers, who share it, are waited for."""
    for _ in range(_TRIES):
        if _takes(lock, fcntl.LOCK_EX):
            return True
        if not _takes(lock, fcntl.LOCK_SH):
            return False
        fcntl.flock(lock, fcntl.LOCK_UN)
        time.sleep(_PAUSE_S)  # It is but a reader, who holds it for a moment.
    return False


def _takes(lock: TextIO, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open_lock(folder: Path) -> TextIO:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return (folder / _LOCK).open("a+", encoding="utf-8")
    except OSError as error:
        remedy = "Name another with --state."
        raise FileUnreadable(
            what="The state folder", path=folder, why=error.strerror, remedy=remedy
        ) from error


def write_state(folder: Path, state: UpState) -> None:
    """Say where everything is; readers see the old file or the new one, never half of it."""
    new = folder / f"{_FILE}.new"
    new.write_text(state.model_dump_json(indent=2) + "\n", encoding="utf-8")
    new.replace(folder / _FILE)


def read_state(folder: Path) -> UpState | None:
    """Return where everything is; None where nothing runs, also when the last run was killed."""
    try:
        with (folder / _LOCK).open(encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        pass  # Somebody holds it: the state is alive.
    else:
        return None
    try:
        return UpState.model_validate_json((folder / _FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None  # It is starting, or stopping.
