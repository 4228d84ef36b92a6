"""What may be asked of a database: one SELECT whose placeholders are bound, never pasted."""

from __future__ import annotations

import re
from collections.abc import Collection

from backout.counting import Query

AT = "at"
"""The placeholder of the moment that is asked for."""
KNOWN = ("at", "baseline", "release", "service")
SELECT = ("SELECT", "WITH")
"""How a statement begins that reads."""

_PLACEHOLDER = re.compile(r"(?<![:\w\\]):(\w+)")
_CAST = re.compile(r"(?<![:\w\\]):(\w+)::(\w*)")
# Also PostgreSQL's E'...', in which a backslash keeps a quote from ending the text.
_ASIDE = re.compile(
    r"""(?<!\w)[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | --[^\n]* | /\*.*?\*/""",
    re.DOTALL | re.VERBOSE,
)
_SHOWN = 60


def placeholders(text: str) -> frozenset[str]:
    """Return the names of the placeholders `:name` in a statement."""
    return frozenset(_PLACEHOLDER.findall(text))


def trouble_with(query: Query) -> str:
    """Return why a query cannot be asked; empty where it can."""
    if query.part == "values":
        return "a database counts no distributions; count with two SELECTs, and use a ratio"
    if query.pasted:
        return _pasted(KNOWN)
    return misfit(query.text, known=KNOWN) or _unbound(query)


def misfit(text: str, *, known: Collection[str], begins: Collection[str] = SELECT) -> str:
    """Return why a statement with these placeholders cannot be asked; empty where it can."""
    if "$" in text:
        return _pasted(known)
    if cast := _CAST.search(text):
        return f"write CAST(:{cast[1]} AS {cast[2] or '...'}); ':{cast[1]}::' begins no placeholder"
    if strange := sorted(placeholders(text) - set(known)):
        listed = _listed(known)
        return rf"unknown placeholder ':{strange[0]}'. Known: {listed}; a colon of your own is written '\:'"
    return _statement(text, begins)


def _pasted(known: Collection[str]) -> str:
    return f"'$' would paste text into the SELECT; write a placeholder that is bound: {_listed(known)}"


def _listed(known: Collection[str]) -> str:
    return ", ".join(f":{name}" for name in known)


def _unbound(query: Query) -> str:
    lacking = sorted(placeholders(query.text) - {AT, *dict(query.bound)})
    return f"nothing is bound to ':{lacking[0]}' here" if lacking else ""


def _statement(text: str, begins: Collection[str]) -> str:
    bare = _ASIDE.sub(" '' ", text).strip().rstrip("; \n\t")
    one = " or ".join(word for word in begins if word != "WITH")
    if ";" in bare:
        return f"it is several statements, and may be one {one} only"
    first = re.match(r"\w*", bare.lstrip("( '"))
    if not first or first[0].upper() not in begins:
        return f"it is no {one}"
    return ""


def shown(text: str) -> str:
    """Return the beginning of a query, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 3] + "..."
