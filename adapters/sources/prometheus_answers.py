"""What Prometheus answers, and what it amounts to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

from adapters.fetch import Page
from adapters.sources.tally import bound_of, tally
from backout.counting import Counted, Query

_LONGEST = 200
"""Characters of a warning that are told."""
Labels = dict[str, str]
Sample = tuple[Annotated[float, Field(allow_inf_nan=False)], float]
"""The time and the number."""


class Series(BaseModel):
    """A series at one time."""

    metric: Labels
    value: Sample | None = None
    """Absent where the sample is a native histogram."""


class Run(BaseModel):
    """A series over some time; it has no value where it was not seen."""

    metric: Labels
    values: list[Sample] = []
    """Empty where the samples are native histograms."""


class Vector(BaseModel):
    """Series, none to many."""

    kind: Literal["vector"] = Field(alias="resultType")
    result: list[Series]


class Scalar(BaseModel):
    """One number."""

    kind: Literal["scalar"] = Field(alias="resultType")
    result: Sample


class Matrix(BaseModel):
    """Series over some time, as a range query yields them."""

    kind: Literal["matrix"] = Field(alias="resultType")
    result: list[Run]


class Text(BaseModel):
    """A text."""

    kind: Literal["string"] = Field(alias="resultType")


Data = Annotated[Vector | Scalar | Matrix | Text, Field(discriminator="kind")]


class Success(BaseModel):
    """An answer to a query that makes sense."""

    data: Data
    warnings: list[str] = []
    """What may be missing in it. Its remarks, such as that a name is no counter's, are not read."""

    @property
    def note(self) -> str:
        """The first warning, if there is one."""
        return f"Prometheus warns: {self.warnings[0][:_LONGEST]}" if self.warnings else ""


class _Failure(BaseModel):
    error: str


def words_of(page: Page) -> str:
    """Return Prometheus' own words about what is wrong; empty where they are somebody else's."""
    try:
        return _Failure.model_validate_json(page.body).error.rstrip(".")
    except ValidationError:
        return ""


def counted(query: Query, samples: Sequence[tuple[Labels, Sample | None]]) -> Counted:
    """Return what the series of one moment count."""
    for labels, sample in samples:
        if sample is None:
            why = f"{_written(labels)} is a native histogram; histogram_count(...) is a number"
            return Counted(problem=f"'{query.text}': {why}")
    if len(samples) > 1 and not query.by:
        first = f"the first is {_written(samples[0][0])}; sum(...) makes it one"
        why = f"it yields {len(samples)} series where one is needed, {first}"
        return Counted(problem=f"'{query.text}': {why}")
    return tally(query, ((labels.get(query.by or "", ""), sample[1]) for labels, sample in samples if sample))


def bounds_of(data: Data) -> list[float]:
    """Return the values of the label `le`, as numbers."""
    found = data.result if isinstance(data, Vector) else []
    return [bound for series in found if (bound := bound_of(series.metric)) is not None]


def _written(metric: Labels) -> str:
    labels = ", ".join(f'{name}="{text}"' for name, text in metric.items() if name != "__name__")
    return f"{metric.get('__name__', '')}{{{labels}}}"
