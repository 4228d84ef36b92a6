"""Slack's mrkdwn, in which messages are written, as plain text for what does not show it."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LINK = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")
_BOLD = re.compile(r"\*([^*\n]+)\*")
# What comes from outside must not move a cursor, rename a window, turn the line around or break an encoding.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def spans(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a text, each with whether it is bold; a link becomes `text (address)`."""
    shown = _LINK.sub(_readable, _CONTROL.sub("", text))
    for number, part in enumerate(_BOLD.split(shown)):
        unescaped = part.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        yield unescaped, number % 2 == 1


def _readable(link: re.Match[str]) -> str:
    if link[1].startswith("!date^"):
        return link[2] or ""
    return f"{link[2]} ({link[1]})" if link[2] else link[1]


def plain(text: str) -> str:
    """Return a text as people read it, without its marks."""
    return "".join(part for part, _ in spans(text))


def one_line(text: str, limit: int) -> str:
    """Return a text on one line of so many characters at most, such as a subject."""
    line = " ".join(plain(text).split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def shortened(text: str, limit: int, link: str) -> str:
    """Return the beginning of a plain text that is too long, and where the rest of it is."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    if (at := head.rfind("\n")) > limit // 2:
        head = head[:at]
    rest = f"… {len(text) - len(head)} more characters are cut here"
    return f"{head}\n{rest}: {link}" if link else f"{head}\n{rest}; 'backout incidents show' has all."
