"""The receiver's side of a webhook, out of the how-to: what is written there is what runs here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "pagers.md"

_snippet = re.search(r"```python\n(.*?def is_from_backout.*?)```", HOW_TO.read_text(), re.DOTALL)
assert _snippet, "docs/how-to/pagers.md shows no is_from_backout"
_names: dict[str, Callable[[str, Mapping[str, str], bytes], bool]] = {}
exec(compile(_snippet[1], HOW_TO, "exec"), _names)  # noqa: S102  # our own document
is_from_backout = _names["is_from_backout"]


def fields_that_are_told() -> set[str]:
    """Return the fields of a webhook's event out of the how-to's table."""
    text = HOW_TO.read_text().partition("## A webhook of your own")[2]
    cells = re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
