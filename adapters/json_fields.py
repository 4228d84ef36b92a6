"""Fields of a JSON document, and values that are compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from string import Template

from pydantic import JsonValue

from backout.check_values import Scalar

_SHOWN = 200


def parsed(body: bytes) -> JsonValue:
    """Return a JSON document. `ValueError`: it is none, or its lists and objects are nested too deeply."""
    try:
        found: JsonValue = json.loads(body)
    except RecursionError as error:
        raise ValueError from error
    return found


def value_at(document: JsonValue, field: str) -> JsonValue:
    """Return the value of a field. `LookupError`: it is missing."""
    found = document
    for part in field.split("."):
        if isinstance(found, dict) and part in found:
            found = found[part]
        elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        else:
            raise LookupError(field)
    return found


def is_same(found: JsonValue, wanted: JsonValue) -> bool:
    """Say whether two values are the same. In Python True == 1; in JSON they differ."""
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)


def told(value: JsonValue) -> str:
    """Return a value as people read it, cut where it is long."""
    try:
        return json.dumps(value)[:_SHOWN]
    except RecursionError:
        return "what is nested too deeply to be shown"


def filled(wanted: Scalar, names: Mapping[str, str]) -> Scalar:
    """Return what is expected, with its placeholders filled in."""
    return Template(wanted).safe_substitute(names) if isinstance(wanted, str) else wanted
