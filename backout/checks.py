"""The integrity checks that a site file names: how each looks at the world."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from backout.model import Duration, Frozen


class HttpCheck(Frozen):
    """An integrity check by a GET: the status, and fields of its JSON answer."""

    kind: Literal["http"]
    url: str
    """`$service` and `$release` are filled in, URL-encoded."""
    timeout: Duration
    status: int = 200
    expect: dict[str, str | int | float | bool] = {}
    """Field of the JSON answer (dots go deeper) and the value that it must have."""


Check = Annotated[HttpCheck, Field(discriminator="kind")]
