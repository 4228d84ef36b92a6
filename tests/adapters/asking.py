"""What a source is asked, in a line."""

from __future__ import annotations

from backout.counting import Counted, Query
from backout.ports import Source


async def answer(source: Source, text: str, *, by: str | None = None) -> Counted:
    """Return what the source answers to one query."""
    (counted,) = await source.look(queries=[Query(text=text, by=by)])
    return counted


async def count(source: Source, text: str) -> float | None:
    """Return one count, or None where there is no data."""
    return (await answer(source, text)).total


async def problem(source: Source, text: str, *, by: str | None = None) -> str:
    """Return why there is no data."""
    counted = await answer(source, text, by=by)
    assert counted.counts == {}
    return counted.problem


async def values(source: Source, text: str, up_to: float | None = None, by: str | None = None) -> Counted:
    """Return how many values of a distribution there are, all or up to a bound."""
    (counted,) = await source.look(queries=[Query(text=text, part="values", up_to=up_to, by=by)])
    return counted


async def counts(source: Source, *texts: str) -> list[float | None]:
    """Return the counts of some queries from one look."""
    return [counted.total for counted in await source.look(queries=[Query(text=text) for text in texts])]
