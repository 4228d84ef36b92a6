"""The query of a counter: `metric_name{label="value", other=~"regex"}`, as in PromQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from backout.errors import BackoutError

_NAME = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*")
_OPEN = re.compile(r"\{\s*")
_LABEL = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)\s*")
_DOTTED = re.compile(r"\s*([a-zA-Z_][a-zA-Z0-9_.-]*)\s*")
_OPERATOR = re.compile(r"(=~|!~|!=|=)\s*")
_VALUE = re.compile(r'"((?:[^"\\\n]|\\.)*)"\s*')
_COMMA = re.compile(r",\s*")
_CLOSE = re.compile(r"\}\s*")
_AHEAD = re.compile(r"(?=\{)")
_BRACED = re.compile(r"\{(.*)\}\s*$", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


class QueryBroken(BackoutError):
    """'{query}' at character {position}: expected {expected}, as in name{{label="value"}}."""


class Matcher(NamedTuple):
    """A test on one label; a label that a series does not have is empty, as in PromQL."""

    label: str
    wanted: str | re.Pattern[str]
    """The value itself, or a pattern that is matched against the whole value."""
    negated: bool

    def accepts(self, labels: Mapping[str, str]) -> bool:
        """Say whether a series with these labels passes."""
        value = labels.get(self.label, "")
        if isinstance(self.wanted, str):
            return (value != self.wanted) == self.negated
        return (self.wanted.fullmatch(value) is None) == self.negated


class Selector(NamedTuple):
    """Which series a query adds up."""

    name: str
    matchers: tuple[Matcher, ...]

    def accepts(self, name: str, labels: Mapping[str, str]) -> bool:
        """Say whether a series is one of those that are added up."""
        return name == self.name and all(matcher.accepts(labels) for matcher in self.matchers)

    @property
    def demands(self) -> tuple[tuple[str, str], ...]:
        """The labels that a series must have, each with its one possible value."""
        return tuple(
            (matcher.label, matcher.wanted)
            for matcher in self.matchers
            if isinstance(matcher.wanted, str) and matcher.wanted and not matcher.negated
        )


def parse_selector(query: str, *, dotted: bool = False) -> Selector:
    """Read a query; `dotted` for names that are not Prometheus', which may have `.` and `-`.

    Raises:
        QueryBroken: it cannot be read; the message has the position, counted from 1.
    """
    reader = _Reader(query, _DOTTED if dotted else _LABEL)
    name = reader.take(_DOTTED if dotted else _NAME, "a counter's name" if dotted else "a metric name")
    matchers: list[Matcher] = []
    if reader.at(_OPEN):
        while not reader.at(_CLOSE):
            matchers.append(reader.matcher())
            if not reader.at(_COMMA):
                reader.take(_CLOSE, "',' or '}'")
                break
    reader.end()
    return Selector(name, tuple(matchers))


def split_selector(query: str) -> tuple[str, str]:
    """Return the name of a query, and what stands between its braces as it is written.

    `QueryBroken`: it does not look like a name, with or without braces. What is in them is not read.
    """
    reader = _Reader(query)
    name = reader.take(_NAME, "a metric name")
    matchers = reader.take(_BRACED, "'{' ... '}'") if reader.at(_AHEAD) else ""
    reader.end()
    return name, matchers.rstrip().rstrip(",")


class _Reader:
    """Walks over a query, one token at a time."""

    def __init__(self, query: str, label: re.Pattern[str] = _LABEL) -> None:
        self._query = query
        self._label = label
        self._at = 0

    def at(self, token: re.Pattern[str]) -> bool:
        """Step over a token if it comes next."""
        match = token.match(self._query, self._at)
        self._at = match.end() if match else self._at
        return match is not None

    def take(self, token: re.Pattern[str], expected: str) -> str:
        """Step over a token that must come next, and return its first group."""
        match = token.match(self._query, self._at)
        if match is None:
            raise QueryBroken(query=self._query, position=self._at + 1, expected=expected)
        self._at = match.end()
        return match[1] if match.re.groups else match[0]

    def end(self) -> None:
        """Insist that nothing follows."""
        if self._at < len(self._query):
            raise QueryBroken(query=self._query, position=self._at + 1, expected="the end")

    def matcher(self) -> Matcher:
        """Step over `label operator "value"`."""
        label = self.take(self._label, "a label name")
        operator = self.take(_OPERATOR, "one of = != =~ !~")
        start = self._at
        raw = self.take(_VALUE, "a value in double quotes")
        value = _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), raw)
        try:
            wanted = re.compile(value, re.DOTALL) if operator.endswith("~") else value
        except re.error as error:
            expected = f"a regular expression ({error})"
            raise QueryBroken(query=self._query, position=start + 1, expected=expected) from error
        return Matcher(label, wanted, negated=operator.startswith("!"))
