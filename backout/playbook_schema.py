"""The playbook's JSON Schema, for editors."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from backout.model import format_duration
from backout.playbook import Playbook

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ISO_DURATION = re.compile(r"P(?=[\dT])[\dDTHMS.]+")
_DURATION = TypeAdapter(timedelta)


def playbook_schema() -> dict[str, Any]:
    """Return the JSON Schema of a playbook as people write it, with the docstrings as descriptions."""
    schema = Playbook.model_json_schema(mode="validation")
    for definition in schema["$defs"].values():
        # A step may leave its name out; it is called by its kind then.
        if "step" in definition.get("properties", {}):
            definition["required"].remove("name")
    _accept_levels_alone(schema)
    _write_durations(schema)
    return {"$schema": DIALECT, **schema, "title": "Backout playbook"}


def _accept_levels_alone(schema: dict[str, Any]) -> None:
    """Let a list stand for the levels of an escalation policy, as people may write it."""
    named = schema["properties"]["escalation"]["patternProperties"]
    levels = schema["$defs"]["Policy"]["properties"]["levels"]
    for name, policy in named.items():
        named[name] = {"anyOf": [policy, levels]}


def _write_durations(node: dict[str, Any]) -> None:
    """Write every default as people do: pydantic writes durations in ISO 8601, which no playbook has."""
    for key, value in node.items():
        if isinstance(value, str) and _ISO_DURATION.fullmatch(value):
            node[key] = format_duration(_DURATION.validate_python(value))
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                _write_durations(inner)
