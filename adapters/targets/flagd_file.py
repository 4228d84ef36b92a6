"""An OpenFeature flag in a flagd file: exposure is the weight of a variant in its `fractional` rule."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import JsonValue

from adapters.targets.flagd_flag import FlagdFlag
from backout.errors import ExposureMoved, RejectedBySystem, UnknownName, Unreachable
from backout.exposure import Capability, Exposure, must_be_possible
from backout.release_sets import Conversations
from backout.targets import FlagdFileTarget

_LOCK_S = 5.0
"""How long a writer waits for another."""
_NEWER_NS = 1_000_000
"""Providers look for a newer time stamp, and may look with the precision of a float."""
_INDENT = re.compile(r'^\{\n([ \t]+)"')


class FlagdFile:
    """A flag whose variants are the releases. It holds one flag, so the service's name is not looked at.

    Writers on one machine take turns by a lock on the folder. The file is replaced whole, so that a reader
    sees the old one or the new one.
    """

    capability = Capability.PERCENTAGE
    """Weights are any percent."""
    conversations = FlagdFileTarget.sees_to
    """Whoever is bucketed away goes on at the baseline, with the next evaluation."""

    def __init__(self, path: str, flag: str, baseline: str, by: str = "targetingKey") -> None:
        # A link stays a link: the file that it names is replaced.
        self._path = Path(os.path.realpath(path))
        self._flag = flag
        self._baseline = baseline
        self._by = by
        self._what = f"flagd file {path}"

    async def read(self, *, service: str, release: str) -> Exposure:  # noqa: ARG002  # the port's shape
        """Return the exposure of a variant.

        Raises:
            UnknownName: the file has no such flag, or the flag no such variant.
            RejectedBySystem: the file is missing or broken, or exposure cannot be told from the flag.
            Unreachable: the file cannot be read now.
        """
        return await asyncio.to_thread(self._read, release)

    async def set(
        self,
        *,
        service: str,  # noqa: ARG002  # the port's shape
        release: str,
        percent: int,
        key: str,
        expected: str = "",
        conversations: Conversations | None = None,  # noqa: ARG002  # it can do one thing, or nothing
    ) -> Exposure:
        """Set the exposure of a variant, the baseline takes the rest; it raises what `read` raises too.

        Raises:
            StageOutOfRange: no such percent.
            ExposureMoved: another generation is there than was expected.
        """
        must_be_possible(percent, of=self._what, capability=self.capability)
        return await asyncio.to_thread(self._set, release, percent, key, expected)

    def _read(self, release: str) -> Exposure:
        flag = self._find(self._parse(self._load()))
        return Exposure(
            percent=flag.exposure(release), generation=flag.generation, changed_by=flag.changed_by
        )

    def _set(self, release: str, percent: int, key: str, expected: str) -> Exposure:
        with self._failures_named(), self._locked() as folder:
            text = self._load()
            document = self._parse(text)
            flag = self._find(document)
            if not flag.done(key, percent):
                if expected and flag.generation != expected:
                    found, by = flag.generation, flag.changed_by
                    raise ExposureMoved(target=self._what, expected=expected, found=found, by=by)
                flag.expose(release, percent, baseline=self._baseline, key=key)
                self._replace(folder, _dump(document, like=text))
            return self._read(release)

    def _load(self) -> str:
        with self._failures_named():
            return self._path.read_text(encoding="utf-8")

    def _parse(self, text: str) -> dict[str, JsonValue]:
        try:
            document = json.loads(text)
        except ValueError as error:
            raise RejectedBySystem(what=self._what, why=f"it is not JSON: {error}") from error
        if not isinstance(document, dict):
            raise RejectedBySystem(what=self._what, why="it is not a JSON object")
        return document

    def _find(self, document: dict[str, JsonValue]) -> FlagdFlag:
        flags = document.get("flags")
        if not isinstance(flags, dict):
            raise RejectedBySystem(what=self._what, why="it has no object 'flags'")
        if self._flag not in flags:
            raise UnknownName(kind=f"flag in {self._what}", name=self._flag, known=flags)
        return FlagdFlag(f"flag '{self._flag}' in {self._what}", flags[self._flag], by=self._by)

    def _replace(self, folder: int, text: str) -> None:
        old = self._path.stat()
        file, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with os.fdopen(file, "w", encoding="utf-8") as new:
                new.write(text)
                new.flush()
                os.fchmod(file, old.st_mode & 0o7777)
                if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(file, old.st_uid, old.st_gid)
                stamp = max(os.fstat(file).st_mtime_ns, old.st_mtime_ns + _NEWER_NS)
                os.utime(file, ns=(stamp, stamp))
                os.fsync(file)
            Path(name).replace(self._path)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(name).unlink()
            raise
        os.fsync(folder)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            ends = time.monotonic() + _LOCK_S
            while not _try_lock(folder):
                if time.monotonic() > ends:
                    why = f"another process has held its lock for {_LOCK_S:g} s"
                    raise Unreachable(what=self._what, why=why)
                time.sleep(0.01)
            yield folder
        finally:
            os.close(folder)

    @contextmanager
    def _failures_named(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise RejectedBySystem(what=self._what, why="there is no such file") from error
        except PermissionError as error:
            why = f"{error}. The worker's account must be able to replace the file and to keep its owner"
            raise RejectedBySystem(what=self._what, why=why) from error
        except UnicodeDecodeError as error:
            raise RejectedBySystem(what=self._what, why="it is not UTF-8") from error
        except OSError as error:
            raise Unreachable(what=self._what, why=str(error)) from error


def _dump(document: dict[str, JsonValue], *, like: str) -> str:
    """Write the document as people wrote it before: their indent, and their last newline if there was one."""
    indent = _INDENT.match(like)
    end = "\n" if like.endswith("\n") else ""
    return json.dumps(document, indent=indent[1] if indent else 2, ensure_ascii=False) + end


def _try_lock(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
