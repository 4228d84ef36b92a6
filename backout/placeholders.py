"""The placeholders of queries and addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from backout.problems import Path, Problem, unknown

IN_ADDRESSES = ("service", "release")
IN_QUESTIONS = ("service", "session")
IN_QUERIES = (*IN_ADDRESSES, "baseline")
_USED = re.compile(r"\$(?:\{([^}]*)\}|([A-Za-z0-9_]*))")


def placeholder_problems(path: Path, text: str, known: tuple[str, ...]) -> Iterator[Problem]:
    """Yield a problem for each `$` that is not one of the known placeholders."""
    for braced, bare in _USED.findall(text):
        name = braced or bare
        if not name:
            msg = f"a '$' begins a placeholder; write one of ${', $'.join(known)}, or leave it out"
            yield Problem(path=path, message=msg)
        elif name not in known:
            yield Problem(path=path, message=unknown("placeholder", name, known))
