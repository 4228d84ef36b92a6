"""The SHA-256 of a file, and the canonical one of a folder, read bit by bit and only so far."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from threading import Event

from backout.errors import BackoutError

CHUNK = 1024 * 1024


class NoArtifact(BackoutError):
    """{why}"""  # noqa: D415  # it is told within a sentence


class _Stopped(Exception):
    """Nobody waits for the digest any more."""


class Reader:
    """Reads at most so many bytes, until it is told to stop."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._most = most
        self.stop = Event()
        """Set where nobody waits any more."""

    def digest_of(self, path: Path) -> str:
        """Return `sha256:<hex>` of a file's bytes, or of a folder as `sha256sum` would list its files.

        The canonical digest of a folder is the SHA-256 of its listing: for every file below it, sorted by the
        bytes of its path, the line `<hex>  <path>`. Empty folders do not count.

        Raises:
            NoArtifact: there is nothing, or what no digest is of.
            OSError: it cannot be read.
        """
        if not path.exists():
            raise NoArtifact(why="is missing")
        if path.is_file():
            return f"sha256:{self._file(path)}"
        if not path.is_dir():
            raise NoArtifact(why="is neither a file nor a folder")
        listing = sha256()
        names = sorted(_files(path), key=os.fsencode)
        if not names:
            raise NoArtifact(why="is an empty folder")
        for name in names:
            listing.update(f"{self._file(path / name)}  ".encode() + os.fsencode(name) + b"\n")
        return f"sha256:{listing.hexdigest()}"

    def take(self, size: int) -> None:
        """Count what was read. `NoArtifact`: it is too much."""
        self._left -= size
        if self._left < 0:
            raise NoArtifact(why=f"is larger than {self._most // CHUNK} MiB; raise 'largest_mib'")
        if self.stop.is_set():
            raise _Stopped

    def _file(self, path: Path) -> str:
        digest = sha256()
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                self.take(len(chunk))
                digest.update(chunk)
        return digest.hexdigest()


def _files(root: Path) -> Iterator[str]:
    """Yield the paths of all files below a folder; a link to a file is that file."""

    def refuse(error: OSError) -> None:
        raise error

    for folder, inner, names in os.walk(root, onerror=refuse):
        for name in inner:
            if Path(folder, name).is_symlink():
                raise NoArtifact(why=f"has a link to a folder, {_below(root, folder, name)}")
        for name in names:
            below = _below(root, folder, name)
            path = Path(folder, name)
            if "\n" in name or "\\" in name:
                raise NoArtifact(why=f"has a file whose name no listing can have, {below!r}")
            if not path.exists() or not stat.S_ISREG(path.stat().st_mode):
                raise NoArtifact(why=f"has what is no file, {below}")
            yield below


def _below(root: Path, folder: str, name: str) -> str:
    return Path(folder, name).relative_to(root).as_posix()
