"""Where an integrity check finds one value: in a JSON answer, a JSON file, a database or a source."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from backout.model import Frozen, Name
from backout.secret import SecretRef

Scalar: TypeAlias = str | int | float | bool
"""A value that can be compared; true is not 1."""
JsonField = Annotated[str, Field(min_length=1)]
"""A field of a JSON document: a dot goes deeper, and numbers count the items of a list."""


class HttpValue(Frozen):
    """A field of a JSON answer to a GET."""

    kind: Literal["http"]
    url: str
    """`$service`, `$release` and `$baseline` are filled in, URL-encoded."""
    field: JsonField
    token: SecretRef | None = None
    """Sent as a bearer token."""


class FileValue(Frozen):
    """A field of a JSON file."""

    kind: Literal["file"]
    path: str
    """`$service`, `$release` and `$baseline` are filled in."""
    field: JsonField


class SqlValue(Frozen):
    """What a SELECT yields: one row with one value."""

    kind: Literal["sql"]
    url: SecretRef
    """The SQLAlchemy URL; it holds a password, so it is a secret."""
    query: str
    """`:service`, `:release` and `:baseline` are bound."""


class SourceValue(Frozen):
    """A number that one of the site's sources counts."""

    kind: Literal["source"]
    source: Name
    query: str
    """In the source's own language, as a playbook's queries."""


ValueAt = Annotated[HttpValue | FileValue | SqlValue | SourceValue, Field(discriminator="kind")]
