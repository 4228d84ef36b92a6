"""Texts with one change, and the place of the change in them."""

from __future__ import annotations

from pathlib import Path

DATA = Path(__file__).parent / "data"
PLAYBOOK = (DATA / "complete.yaml").read_text(encoding="utf-8")
SITE = (DATA / "site.yaml").read_text(encoding="utf-8")
A_NAME = "letters, digits, '_', '.' and '-', at most 63 of them, the first a letter"
HERE = "»"
"""Stands in a changed text where the problem is to be found."""


def changed(text: str, old: str, new: str) -> tuple[str, str]:
    """Return the text with the change, and the place of the mark in it as `line:column`."""
    assert old in text
    marked = text.replace(old, new, 1)
    before, _, after = marked.partition(HERE)
    return before + after, f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
