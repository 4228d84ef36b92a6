"""Files and folders that only the account itself may open: they hold what alerts and people said."""

from __future__ import annotations

from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing; what is there already keeps its mode."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


def make_file(path: Path) -> None:
    """Make an empty file with its folder; one that is there already keeps its mode and what is in it."""
    make_folder(path.parent)
    path.touch(mode=0o600)
