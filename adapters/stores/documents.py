"""Documents as files: a folder for each service and release."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from adapters.stores.private import make_folder
from backout.addressing import short_of
from backout.errors import RejectedBySystem, Unreachable
from backout.messages import DocumentRef

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")


class DocumentFolder:
    """Keeps documents as `<service>/<release>/<name>`; nothing is ever written outside of it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._what = f"document folder {root}"

    async def put(self, *, incident: str, name: str, text: str) -> DocumentRef:
        """Write a document whole or not at all; the same name again replaces it.

        Raises:
            RejectedBySystem: the name cannot be a file's.
            Unreachable: the folder cannot be written.
        """
        if not _NAME.fullmatch(name):
            why = f"'{name}' cannot be a document's name; use letters, digits, '_', '.' and '-'"
            raise RejectedBySystem(what=self._what, why=why)
        path = self._root.joinpath(*_folders(incident), name).absolute()
        content = text.encode()
        try:
            await asyncio.to_thread(_write, path, content)
        except OSError as error:
            raise Unreachable(what=self._what, why=str(error)) from error
        digest = "sha256:" + sha256(content).hexdigest()
        return DocumentRef(name=name, location=str(path), digest=digest)


def _folders(incident: str) -> tuple[str, str]:
    """Return the folders of `incident/<service>/<release>`: plain names, whatever a release is called."""
    service, _, release = short_of(incident).partition("/")
    return _plain(service), _plain(release)


def _plain(part: str) -> str:
    quoted = quote(part, safe="+@:")
    return "%2E" + quoted[1:] if quoted.startswith(".") else quoted or "_"


def _write(path: Path, content: bytes) -> None:
    make_folder(path.parent)
    # Made private (0600), and so it stays.
    file, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(file, "wb") as new:
            new.write(content)
            new.flush()
            os.fsync(file)
        Path(name).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise
