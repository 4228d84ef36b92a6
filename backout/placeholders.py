"""The placeholders of queries and addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from backout.problems import Path, Problem, unknown

IN_ADDRESSES = ("service", "release")
IN_QUESTIONS = ("service", "session")
IN_QUERIES = (*IN_ADDRESSES, "baseline")
_USED = re.compile(r"\$(?:\{([^}]*)\}|([A-Za-z0-9_]*))")
_NAMES = "|".join(dict.fromkeys((*IN_QUERIES, *IN_QUESTIONS, "digest", "hex")))
"""Whatever is filled in somewhere."""
_BARE = re.compile(rf"(?<!\$)\{{({_NAMES})\}}")
_MEANT = re.compile(rf"(?:\$\{{?|\{{)({_NAMES})\b")


def placeholder_problems(path: Path, text: str, known: tuple[str, ...]) -> Iterator[Problem]:
    """Yield a problem for each `$` that is no known placeholder, and for each name whose `$` is missing."""
    for braced, bare in _USED.findall(text):
        name = braced or bare
        if not name:
            instead = f"write one of ${', $'.join(known)}" if known else "nothing is filled in here"
            yield Problem(path=path, message=f"a '$' begins a placeholder; {instead}, or leave it out")
        elif name not in known:
            yield Problem(path=path, message=unknown("placeholder", name, known))
    for name in _BARE.findall(text):
        instead = f"write ${name}" if name in known else unknown("placeholder", name, known)
        yield Problem(path=path, message=f"'{{{name}}}' is not filled in; {instead}")


def unfilled_problems(path: Path, text: str) -> Iterator[Problem]:
    """Yield what was meant as a placeholder in a text that is taken as it stands, where a `$` is a letter."""
    for name in _MEANT.findall(text):
        msg = f"{unknown('placeholder', name, ())}; this is taken as it stands"
        yield Problem(path=path, message=msg)
