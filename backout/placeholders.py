"""The placeholders of queries and addresses: `$service` and `$release`, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from backout.problems import Path, Problem, unknown

PLACEHOLDERS = ("service", "release")
_USED = re.compile(r"\$([A-Za-z0-9_]*)")


def placeholder_problems(path: Path, text: str) -> Iterator[Problem]:
    """Yield a problem for each `$` that is not one of the placeholders."""
    for name in _USED.findall(text):
        if not name:
            msg = f"a '$' begins a placeholder; write one of ${', $'.join(PLACEHOLDERS)}, or leave it out"
            yield Problem(path=path, message=msg)
        elif name not in PLACEHOLDERS:
            yield Problem(path=path, message=unknown("placeholder", name, PLACEHOLDERS))
