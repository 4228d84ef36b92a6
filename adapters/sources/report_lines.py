"""A line of an evaluation report: the verdicts on one output."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, ConfigDict, Field, ValidationError

from adapters.sources.report_files import LINE_LIMIT, Line
from backout.json_text import MARK, repeated_key
from backout.misfits import describe, misfits
from backout.model import Frozen, Name
from backout.problems import spell
from backout.pushes import SKEW, Label

Value = Annotated[float, Field(allow_inf_nan=False)]


class Judged(Frozen):
    """What an evaluation says of one output. Text is no number here, and a number is no time."""

    model_config = ConfigDict(strict=True)

    output: Annotated[str, Field(min_length=1, max_length=1000)]
    """The output's id; each of its verdicts counts once."""
    at: AwareDatetime
    """When it was produced."""
    judged_at: AwareDatetime
    verdicts: dict[Name, bool] = {}
    """By name; true is bad."""
    values: dict[Name, Value] = {}
    labels: dict[Name, Label] = {}


class LineBroken(ValueError):
    """A line that does not count, and why."""


def read_line(line: Line, now: datetime) -> Judged:
    """Return what a line says.

    Raises:
        LineBroken: it cannot be read, or its times make no sense.
    """
    if line.text is None:
        msg = f"it is longer than {LINE_LIMIT} bytes"
        raise LineBroken(msg)
    text = line.text.removeprefix(MARK) if line.number == 1 else line.text
    try:
        said = Judged.model_validate_json(text)
    except ValidationError as error:
        raise LineBroken(_why(error)) from None
    if (key := repeated_key(text)) is not None:
        msg = f"{describe(key)} is there twice in one mapping"
        raise LineBroken(msg)
    if said.at - said.judged_at > SKEW:
        msg = f"it was judged at {said.judged_at.isoformat()}, before it was produced"
        raise LineBroken(msg)
    if max(said.at, said.judged_at) > now + SKEW:
        msg = f"{max(said.at, said.judged_at).isoformat()} is in the future"
        raise LineBroken(msg)
    return said


def _why(error: ValidationError) -> str:
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return f"it is no JSON ({first['msg'].partition(': ')[2]})"
    problem = misfits(error, Judged)[0]
    place = spell(problem.path)
    return f"{place}: {problem.message}" if place else problem.message
