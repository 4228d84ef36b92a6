"""JSON texts that say one thing twice: readers take the last word, which may not be what was meant."""

from __future__ import annotations

import json

MARK = b"\xef\xbb\xbf"
"""A byte order mark: some editors and shells begin files with it."""


class _Repeated(Exception):
    """A mapping has a key twice."""


def repeated_key(text: bytes) -> str | None:
    """Return a key that some mapping of a sound JSON text has twice; None where each stands once."""
    try:
        # Numbers stay text: of whatever length, they do not matter here.
        json.loads(text, object_pairs_hook=_once, parse_int=str, parse_float=str)
    except _Repeated as found:
        return str(found)
    return None


def _once(pairs: list[tuple[str, object]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise _Repeated(key)
        seen.add(key)
