"""What may be asked of a database: one SELECT whose placeholders are bound, never pasted."""

from __future__ import annotations

import re

from backout.counting import Query

AT = "at"
"""The placeholder of the moment that is asked for."""
KNOWN = ("at", "baseline", "release", "service")

_PLACEHOLDER = re.compile(r"(?<![:\w\\]):(\w+)")
_CAST = re.compile(r"(?<![:\w\\]):(\w+)::(\w*)")
# Also PostgreSQL's E'...', in which a backslash keeps a quote from ending the text.
_ASIDE = re.compile(
    r"""(?<!\w)[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | --[^\n]* | /\*.*?\*/""",
    re.DOTALL | re.VERBOSE,
)
_SHOWN = 60


def placeholders(query: Query) -> frozenset[str]:
    """Return the names of the placeholders `:name` in a query."""
    return frozenset(_PLACEHOLDER.findall(query.text))


def trouble_with(query: Query) -> str:
    """Return why a query cannot be asked; empty where it can."""
    if query.part == "values":
        return "a database counts no distributions; count with two SELECTs, and use a ratio"
    if query.pasted or "$" in query.text:
        known = ", ".join(f":{name}" for name in KNOWN)
        return f"'$' would paste text into the SELECT; write a placeholder that is bound: {known}"
    if cast := _CAST.search(query.text):
        return f"write CAST(:{cast[1]} AS {cast[2] or '...'}); ':{cast[1]}::' begins no placeholder"
    return _unbound(query) or _statement(query.text)


def _unbound(query: Query) -> str:
    used = placeholders(query)
    if strange := sorted(used - set(KNOWN)):
        known = ", ".join(f":{name}" for name in KNOWN)
        return rf"unknown placeholder ':{strange[0]}'. Known: {known}; a colon of your own is written '\:'"
    if lacking := sorted(used - {AT, *dict(query.bound)}):
        return f"nothing is bound to ':{lacking[0]}' here"
    return ""


def _statement(text: str) -> str:
    bare = _ASIDE.sub(" '' ", text).strip().rstrip("; \n\t")
    if ";" in bare:
        return "it is several statements, and may be one SELECT only"
    first = re.match(r"\w*", bare.lstrip("( '"))
    if not first or first[0].upper() not in {"SELECT", "WITH"}:
        return "it is no SELECT"
    return ""


def shown(text: str) -> str:
    """Return the beginning of a query, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 3] + "..."
