"""The playbook's JSON Schema, for editors."""

from __future__ import annotations

from typing import Any

from backout.criteria import Evidence
from backout.playbook import Playbook

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def playbook_schema() -> dict[str, Any]:
    """Return the JSON Schema of a playbook as people write it, with the docstrings as descriptions."""
    schema = Playbook.model_json_schema(mode="validation")
    for definition in schema["$defs"].values():
        # A step may leave its name out; it is called by its kind then.
        if "step" in definition.get("properties", {}):
            definition["required"].remove("name")
    # Pydantic writes these defaults in ISO 8601, which nobody writes in a playbook.
    for name, default in Evidence().model_dump(mode="json").items():
        schema["$defs"]["Evidence"]["properties"][name]["default"] = default
    return {"$schema": DIALECT, **schema, "title": "Backout playbook"}
