"""A query as PromQL: split into cohorts, or as the count of a histogram's values."""

from __future__ import annotations

from decimal import Decimal

from adapters.sources.selector import split_selector
from backout.counting import Query


def promql(query: Query) -> str:
    """Return the expression that yields one number, or one for each cohort.

    `QueryBroken`: a distribution must be a name with matchers.
    """
    by = f" by ({query.by})" if query.by else ""
    if query.part == "events":
        # The line break ends a comment at the end of the text.
        return f"sum{by} (\n{query.text}\n)" if by else query.text
    if query.up_to is None:
        return f"sum{by} ({_series(query, '_count')})"
    within = _series(query, "_bucket", f'le=~"{spelled(query.up_to)}"')
    whole = _series(query, "_bucket", 'le="+Inf"')
    # Of a series without that bucket all values would seem to be above the bound: then there is no answer.
    return f"sum{by} ({within}) and (count{by} ({within}) == count{by} ({whole}))"


def buckets(query: Query) -> str:
    """Return the expression that yields a series for each bound of a distribution, in the label `le`."""
    return f"count by (le) ({_series(query, '_bucket')})"


def spelled(bound: float) -> str:
    """Return a regular expression of every way in which exporters write a bound: 1 is also 1.0 and 1e+00."""
    if bound in (float("inf"), float("-inf")):
        return "-Inf" if bound < 0 else "[+]?Inf"
    sign, digits, exponent = Decimal(repr(bound)).normalize().as_tuple()
    written = "".join(map(str, digits))
    minus = "-" if sign else ""
    scientific = _decimal(written[0], written[1:]) + _exponent(int(exponent) + len(written) - 1)
    whole, _, part = f"{abs(Decimal(repr(bound))).normalize():f}".partition(".")
    return f"{minus}({_decimal(whole, part)}|{scientific})"


def _decimal(whole: str, part: str) -> str:
    return f"{whole}[.]{part}0*" if part else f"{whole}([.]0*)?"


def _exponent(exponent: int) -> str:
    sign = "-" if exponent < 0 else "[+]?"
    return f"[eE]{sign}0*{abs(exponent) or ''}"


def _series(query: Query, suffix: str, matcher: str = "") -> str:
    name, matchers = split_selector(query.text)
    return f"{name}{suffix}{{{', '.join(filter(None, (matcher, matchers)))}}}"
