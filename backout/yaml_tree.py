"""YAML text as plain values that remember their places. Nothing in the text is ever executed.

Only YAML 1.2's core schema and its JSON subset are read: `on`, `yes`, `1:30` and dates stay text. Anchors,
aliases and tags are refused: every value stands where it is read, and no small text becomes a large one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
)
from ruamel.yaml.reader import ReaderError

from backout.problems import START, Path, Place, Problem

MOST_BYTES = 256 * 1024
MOST_LEVELS = 24

_CONSTANTS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    spelling: value
    for word, value in (("true", True), ("false", False))
    for spelling in (word, word.capitalize(), word.upper())
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_OTHER_BASE = re.compile(r"0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_A_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")

_HINTS = (
    ("character '\\t'", "a tab cannot stand here; indent with spaces"),
    (
        "mapping values are not allowed",
        "a ':' cannot stand here; put text that contains ': ' in quotes, or mend the indentation",
    ),
    ("cannot start any token", "text cannot start with this character; put it in quotes"),
    ("expected <block end>", "this line does not fit the ones above it; mend the indentation"),
    ("<stream end>", "the text ends before the list or mapping is closed"),
    ("unexpected end of stream", "the text ends before the quote is closed"),
    ("could not find expected ':'", "a key needs a ':' after it"),
)


@dataclass(frozen=True)
class Tree:
    """A document as plain values, where each of them stands, and what is wrong with the text itself."""

    value: object = None
    places: dict[Path, Place] = field(default_factory=dict)
    """Where each value begins."""
    keys: dict[Path, Place] = field(default_factory=dict)
    """Where the key of each value of a mapping begins."""
    problems: list[tuple[Place, Problem]] = field(default_factory=list)

    def as_written(self, problem: Problem) -> Problem:
        """Return the problem with its path in the text: there a list may be short for what holds it."""
        path: Path = ()
        value = self.value
        for part in problem.path:
            if isinstance(value, list) and isinstance(part, str):
                continue
            path = (*path, part)
            value = _inside(value, part)
        return problem.model_copy(update={"path": path})

    def place_of(self, problem: Problem) -> Place:
        """Return where the problem's value stands, or the nearest value around it that the text has."""
        path = problem.path
        if problem.on_key and path in self.keys:
            return self.keys[path]
        ways = (path[:size] for size in range(len(path), -1, -1))
        return next((self.places[way] for way in ways if way in self.places), START)


def _inside(value: object, part: str | int) -> object:
    """Return what stands there in a mapping or list; None where it has no such place."""
    if isinstance(value, list) and isinstance(part, int):
        return value[part] if part < len(value) else None
    return value.get(part) if isinstance(value, dict) else None


class _Unreadable(Exception):
    def __init__(self, place: Place, message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.place, self.problem = place, Problem(path=path, message=message)


def read_tree(text: str) -> Tree:
    """Read one document, a mapping. Where that is impossible, the value is None and the problems say why."""
    tree = Tree()
    try:
        value = _document(text, tree)
    except _Unreadable as unreadable:
        return Tree(problems=[*tree.problems, (unreadable.place, unreadable.problem)])
    return Tree(value, tree.places, tree.keys, tree.problems)


def _document(text: str, tree: Tree) -> object:
    size = len(text.encode("utf-8", "replace"))
    if size > MOST_BYTES:
        msg = f"the document has {size} bytes; at most {MOST_BYTES // 1024} KiB are read"
        raise _Unreadable(START, msg)
    events = _events(text)
    first = next((event for event in events if isinstance(event, NodeEvent)), None)
    if first is None:
        raise _Unreadable(START, "the document is empty")
    if not isinstance(first, MappingStartEvent):
        msg = f"the document must be a mapping (lines of 'key: value'), not {_kind(first)}"
        raise _Unreadable(_place(first), msg)
    value = _Reader(events, tree).node(first, ())
    second = next((event for event in events if isinstance(event, DocumentStartEvent)), None)
    if second is not None:
        raise _Unreadable(_place(second), "a second document begins here; write one document in one file")
    return value


def _kind(event: Event) -> str:
    return "text" if isinstance(event, ScalarEvent) else "a list"


def _events(text: str) -> Iterator[Event]:
    """Yield the parser's events; its complaints become problems with a place."""
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except ReaderError as error:
        before = text[: error.position]
        place = Place(line=before.count("\n") + 1, column=len(before) - before.rfind("\n"))
        msg = f"character #x{ord(text[error.position]):04x} cannot stand in a text"
        raise _Unreadable(place, msg) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(line=mark.line + 1, column=mark.column + 1) if mark else START
        raise _Unreadable(place, _complaint(error)) from error
    except YAMLError as error:
        raise _Unreadable(START, f"this is not YAML: {error}") from error


def _complaint(error: MarkedYAMLError) -> str:
    said = str(error.problem or error.context)
    hint = next((hint for words, hint in _HINTS if words in said), said)
    begun = error.context_mark
    since = f" ({error.context}, begun on line {begun.line + 1})" if begun and error.context else ""
    return f"this is not YAML: {hint}{since}"


def _place(event: Event) -> Place:
    return Place(line=event.start_mark.line + 1, column=event.start_mark.column + 1)


class _Reader:
    """Builds values from events, and notes their places and problems in the tree."""

    def __init__(self, events: Iterable[Event], tree: Tree) -> None:
        self._events, self._tree = iter(events), tree

    def node(self, event: Event, path: Path) -> object:
        """Return the value that begins with this event."""
        # The parser puts an empty value where the next one begins; people look at its key.
        is_empty = isinstance(event, ScalarEvent) and event.start_mark.index == event.end_mark.index
        self._tree.places[path] = (is_empty and self._tree.keys.get(path)) or _place(event)
        self._refuse_references(event, path)
        if isinstance(event, ScalarEvent):
            return self._scalar(event, path)
        if len(path) >= MOST_LEVELS:
            raise _Unreadable(_place(event), f"values are nested more than {MOST_LEVELS} levels deep", path)
        return self._mapping(path) if isinstance(event, MappingStartEvent) else self._sequence(path)

    def _refuse_references(self, event: Event, path: Path) -> None:
        if isinstance(event, AliasEvent):
            msg = f"aliases (*{event.anchor}) are not read; write the value out, or put text in quotes"
            raise _Unreadable(_place(event), msg, path)
        if not isinstance(event, ScalarEvent | CollectionStartEvent):
            return
        if event.anchor is not None:
            msg = f"anchors (&{event.anchor}) are not read; leave it out, or put text in quotes"
            self._complain(event, path, msg)
        if event.tag is not None:
            msg = f"tags ({event.tag}) are not read; leave it out, or put text in quotes"
            self._complain(event, path, msg)

    def _complain(self, event: Event, path: Path, message: str) -> None:
        self._tree.problems.append((_place(event), Problem(path=path, message=message)))

    def _mapping(self, path: Path) -> dict[str, object]:
        values: dict[str, object] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            key = self._key(event, path)
            self._tree.keys.setdefault((*path, key), _place(event))
            if key in values:
                first = self._tree.keys[*path, key].line
                self._complain(event, (*path, key), f"the key stands twice; the first is on line {first}")
                _Reader(self._events, Tree()).node(next(self._events), (*path, key))
            else:
                values[key] = self.node(next(self._events), (*path, key))
        return values

    def _key(self, event: Event, path: Path) -> str:
        self._refuse_references(event, path)
        if not isinstance(event, ScalarEvent):
            raise _Unreadable(_place(event), "a key must be text, not a list or a mapping", path)
        key = self._scalar(event, path)
        if isinstance(key, str):
            return key
        written = str(event.value) or "null"
        self._complain(event, (*path, written), f"the key {written} is not text; put it in quotes")
        return written

    def _sequence(self, path: Path) -> list[object]:
        values: list[object] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            values.append(self.node(event, (*path, len(values))))
        return values

    def _scalar(self, event: ScalarEvent, path: Path) -> object:
        if event.style is None and event.tag is None:
            return core_value(str(event.value))
        try:
            # JSON writes a character beyond the first 65536 as two halves.
            return str(event.value).encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._complain(event, path, "this text has half a character (a \\ud800 without its other half)")
            return ""


def core_value(text: str) -> object:
    """Return what plain text means in YAML 1.2's core schema: null, a truth value, a number or itself."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return float(text.replace(".", "")) if _NOT_A_NUMBER.fullmatch(text) else text
