"""What a source's numbers amount to: counts by cohort, or the reason why they are none."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from backout.counting import UNLABELLED, Counted, Query


def tally(query: Query, samples: Iterable[tuple[str, float]]) -> Counted:
    """Add up the values of the series that answer a query, each with its value of the label `by`.

    Nothing at all is no data. One value that counts nothing (NaN, infinite or below zero) leaves none at all:
    without it, the others would look better or worse than they are.
    """
    sums: dict[str, float] = {}
    for label, value in samples:
        if not math.isfinite(value) or value < 0:
            whose = f" for {query.by}='{label}'" if query.by else ""
            return Counted(problem=f"'{query.text}' yields {value:g}{whose}, which counts nothing")
        sums[label] = sums.get(label, 0.0) + value
    if not query.by:
        return Counted(counts={"": sum(sums.values())} if sums else {})
    if set(sums) == {""}:
        return Counted(problem=f"'{query.text}': no series has the label '{query.by}'")
    return Counted(counts={label or UNLABELLED: count for label, count in sums.items()})


def bound_of(labels: Mapping[str, str]) -> float | None:
    """Return where a histogram's bucket ends; None where that is no number."""
    try:
        return float(labels.get("le", ""))
    except ValueError:
        return None


def no_bucket(query: Query, bounds: Iterable[float]) -> Counted:
    """Return the answer where a histogram, or some of its series, has no bucket that ends at the bound."""
    known = ", ".join(f"{bound:g}" for bound in sorted(set(bounds)))
    why = f"not every series has a bucket that ends at {query.up_to:g}; there are {known}"
    return Counted(problem=f"'{query.text}': {why}")
