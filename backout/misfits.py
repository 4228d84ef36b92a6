"""What pydantic says of a document that does not fit its model, in the words of those who write documents."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from backout.model import NAME_PATTERN
from backout.problems import Path, Problem, unknown

_QUOTED = re.compile(r"'([^']*)'")
_NAME_RULE = "letters, digits, '_', '.' and '-', at most 63 of them, the first a letter"
_MOST_SHOWN = 60
_MAPPING = "a mapping (lines of 'key: value')"
_TIME = "a time with its zone, such as 2026-01-05T09:00:00Z"
_ON_KEY = "extra_forbidden"
_NO_KIND = "condition"


def misfits(error: ValidationError, model: type[BaseModel]) -> tuple[Problem, ...]:
    """Return the problems that pydantic found, one for each value."""
    said: dict[tuple[Path, bool], _Said] = {}
    for detail in error.errors(include_url=False):
        spot = _descend(model, detail)
        about = said.setdefault((spot.path, spot.on_key), _Said(found=detail["input"]))
        about.hear(detail, spot)
    return tuple(
        Problem(path=path, message=about.message, on_key=on_key)
        for (path, on_key), about in said.items()
        if about.message
    )


@dataclass
class _Said:
    """What pydantic said of one value; for a union it says one thing for each member."""

    found: object
    expected: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def hear(self, detail: ErrorDetails, spot: _Spot) -> None:
        context: dict[str, Any] = detail.get("ctx") or {}
        if expected := _EXPECTED.get(detail["type"]):
            self.expected.append(expected.format_map(context))
        else:
            speak = _WORDS.get(detail["type"])
            self.messages.append(speak(detail, context, spot) if speak else detail["msg"])

    @property
    def message(self) -> str:
        said = [message for message in self.messages if message]
        if not self.expected:
            return "; ".join(said)
        quotes = self.expected == ["text"] and isinstance(self.found, bool | int | float)
        found = describe(self.found) + ("; put it in quotes" if quotes else "")
        return "; ".join([*said, f"expected {' or '.join(self.expected)}, found {found}"])


@dataclass(frozen=True)
class _Spot:
    """Where an error is: the document's path, the type there and the one around it."""

    path: Path
    shape: object
    around: object
    on_key: bool


def _descend(model: type[BaseModel], detail: ErrorDetails) -> _Spot:
    """Follow pydantic's location; it also names members of unions, which the document has no level for."""
    path: Path = ()
    shape: object = model
    around: object = model
    parts = tuple(part for part in detail["loc"] if part != "[key]")
    for left, part in zip(range(len(parts) - 1, -1, -1), parts, strict=True):
        shape = _bare(shape)
        is_field = detail["type"] == _ON_KEY and not left
        if not is_field and (member := _member(shape, part)):
            shape = member
        else:
            path, around, shape = (*path, part), shape, _inside(shape, part)
    if detail["type"] == "union_tag_invalid":
        path = (*path, str((detail.get("ctx") or {})["discriminator"]).strip("'"))
    on_key = detail["type"] == _ON_KEY or "[key]" in detail["loc"]
    if detail["type"] == _NO_KIND and (strange := _strange(detail["input"], _bare(shape))):
        path, on_key = (*path, strange), True
    return _Spot(path, _bare(shape), around, on_key)


def _strange(given: object, shape: object) -> str | None:
    """Return the first key of a condition that no kind of condition has."""
    keys = given if isinstance(given, dict) else ()
    return next((str(key) for key in keys if key not in _fields_of_members(shape)), None)


def _fields_of_members(shape: object) -> tuple[str, ...]:
    """Return the fields of every member of a union, each once, those that tell the members apart first."""
    members = _members(shape)
    return tuple(
        dict.fromkeys(
            [tag for member in members for tag in _tags(member) if tag in _fields(_bare(member))]
            + [name for member in members for name in _fields(_bare(member))]
        )
    )


def _bare(shape: object) -> object:
    """Take off what does not change where a value stands: `Annotated` and `| None`."""
    if get_origin(shape) is Annotated:
        return _bare(get_args(shape)[0])
    members = _members(shape)
    return _bare(members[0]) if len(members) == 1 else shape


def _members(shape: object) -> tuple[object, ...]:
    is_union = get_origin(shape) in {Union, UnionType}
    return tuple(member for member in get_args(shape) if member is not type(None)) if is_union else ()


def _member(shape: object, part: str | int) -> object:
    """Return the member of a union that this part of a location names, None where it names a value.

    A tagged union may have but one member, which is then its own shape.
    """
    if part in _fields(shape):
        return None
    members = _members(shape)
    tagged = next((member for member in members or (shape,) if part in _tags(member)), None)
    return tagged or (part if members else None)


def _fields(shape: object) -> Mapping[str, FieldInfo]:
    return shape.model_fields if isinstance(shape, type) and issubclass(shape, BaseModel) else {}


def _tags(shape: object) -> tuple[str, ...]:
    if get_origin(shape) is Annotated and (
        tags := [one.tag for one in get_args(shape) if isinstance(one, Tag)]
    ):
        return tuple(tags)
    literals = [field.annotation for field in _fields(shape).values() if field.is_required()]
    values = [get_args(literal) for literal in literals if get_origin(literal) is Literal]
    return tuple(value[0] for value in values if len(value) == 1)


def _inside(shape: object, part: str | int) -> object:
    if get_origin(shape) is dict:
        return get_args(shape)[1]
    if get_origin(shape) is tuple:
        return get_args(shape)[0]
    found = _fields(shape).get(str(part))
    return found.annotation if found else None


def describe(value: object) -> str:
    """Name a value in words, short enough for a message."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case str():
            return repr(value if len(value) <= _MOST_SHOWN else value[:_MOST_SHOWN] + "...")
        case int() | float():
            number = str(value)
            return f"the number {number if len(number) <= _MOST_SHOWN else number[:_MOST_SHOWN] + '...'}"
        case dict():
            return "a mapping"
        case _:
            return "a list"


_Context = Mapping[str, Any]


def _missing(detail: ErrorDetails, _: _Context, spot: _Spot) -> str:
    about = _fields(spot.around)[str(detail["loc"][-1])].description
    return f"missing. {about}" if about else "missing"


def _extra(detail: ErrorDetails, _: _Context, spot: _Spot) -> str:
    return unknown("field", str(detail["loc"][-1]), _fields(spot.around))


def _choice(detail: ErrorDetails, context: _Context, _: _Spot) -> str:
    known = _QUOTED.findall(context["expected"])
    found = detail["input"]
    if isinstance(found, str):
        return unknown("value", found, known)
    return f"expected one of {', '.join(known)}; found {describe(found)}"


def _tag(_: ErrorDetails, context: _Context, __: _Spot) -> str:
    known = _QUOTED.findall(context["expected_tags"])
    return unknown(context["discriminator"].strip("'"), str(context["tag"]), known)


def _no_tag(_: ErrorDetails, context: _Context, spot: _Spot) -> str:
    known = [tag for member in _members(spot.shape) or (spot.shape,) for tag in _tags(member)]
    return f"the field {context['discriminator']} is missing; it says what this is. Known: {', '.join(known)}"


def _condition(detail: ErrorDetails, _: _Context, spot: _Spot) -> str:
    if spot.on_key:
        return unknown("field", str(spot.path[-1]), _fields_of_members(spot.shape))
    return f"{detail['msg']}; found {_keys(detail['input'])}"


def _keys(given: object) -> str:
    return (
        f"a mapping of {', '.join(map(str, given))}" if isinstance(given, dict) and given else describe(given)
    )


def _name(detail: ErrorDetails, context: _Context, _: _Spot) -> str:
    found, pattern = describe(detail["input"]), context["pattern"]
    return (
        f"{found} is not a name: {_NAME_RULE}"
        if pattern == NAME_PATTERN
        else f"{found} does not fit {pattern}"
    )


def _too_short(detail: ErrorDetails, context: _Context, _: _Spot) -> str:
    # Pydantic counts the items that fit: where one did not, that is said already.
    return "" if detail["input"] else f"needs at least {context['min_length']} of its items, found none"


def _own(detail: ErrorDetails, context: _Context, _: _Spot) -> str:
    return "expected a value, found nothing" if detail["input"] is None else str(context["error"])


_WORDS: dict[str, Callable[[ErrorDetails, _Context, _Spot], str]] = {
    "missing": _missing,
    _ON_KEY: _extra,
    "enum": _choice,
    "literal_error": _choice,
    "union_tag_invalid": _tag,
    "union_tag_not_found": _no_tag,
    "string_pattern_mismatch": _name,
    "too_short": _too_short,
    "value_error": _own,
    _NO_KIND: _condition,
}
_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "tuple_type": "a list",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "too_long": "at most {max_length} items",
    "datetime_type": _TIME,
    "datetime_parsing": _TIME,
    "datetime_from_date_parsing": _TIME,
    "timezone_aware": _TIME,
    "finite_number": "a finite number",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "{ge:g} or more",
    "less_than": "less than {lt:g}",
    "less_than_equal": "{le:g} or less",
}
