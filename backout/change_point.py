"""Change points: since when was a signal's rate another one? A binomial likelihood-ratio scan.

Readings are k_i bad of n_i judged. With one rate for all of them the greatest log likelihood is
`l(K, N) = K log(K/N) + (N - K) log(1 - K/N)`, K and N their sums; with one rate before a moment t and another
from it on it is `l(K_t, N_t) + l(K - K_t, N - N_t)`. The estimate is the t where the difference is greatest.
Source: D. V. Hinkley and E. A. Hinkley, "Inference about the change-point in a sequence of binomial
variables", Biometrika 57 (1970), 477-488.

For one t that was fixed beforehand, twice the difference is asymptotically chi-squared with one degree of
freedom, whose tail above 2x is at most exp(-x). With T moments to choose from, one of `log(T / 0.05)` or
more comes about by chance in at most 5 % of the cases (Bonferroni); less than that is no change point.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from backout.model import Frozen

CHANCE = 0.05
"""So often at most, chance alone shows a change point where there is none."""


class ChangePoint(Frozen):
    """Where a rate changed."""

    index: int
    """The first reading at the new rate."""
    before: float
    after: float
    surprise: float
    """The log likelihood ratio, in nats."""
    need: float
    """What it takes not to be chance."""


def change_point(readings: Sequence[tuple[int, int]], *, falls: bool = False) -> ChangePoint | None:
    """Return where the rate rose (or fell), or None where the readings, bad and judged, do not show it."""
    bad, judged = sum(one[0] for one in readings), sum(one[1] for one in readings)
    whole = _likelihood(bad, judged)
    best: tuple[float, int, float, float] | None = None
    first_bad = first_judged = splits = 0
    for index, (now_bad, now_judged) in enumerate(readings):
        if now_judged and first_judged:
            splits += 1
            before, after = first_bad / first_judged, (bad - first_bad) / (judged - first_judged)
            parts = _likelihood(first_bad, first_judged) + _likelihood(bad - first_bad, judged - first_judged)
            if (after < before if falls else after > before) and (best is None or parts - whole > best[0]):
                best = (parts - whole, index, before, after)
        first_bad, first_judged = first_bad + now_bad, first_judged + now_judged
    need = log(max(splits, 1) / CHANCE)
    if best is None or best[0] < need:
        return None
    surprise, index, before, after = best
    return ChangePoint(index=index, before=before, after=after, surprise=surprise, need=need)


def _likelihood(bad: int, judged: int) -> float:
    """Return the log likelihood of the counts at the rate that fits them best."""
    if bad in {0, judged}:
        return 0.0
    rate = bad / judged
    return bad * log(rate) + (judged - bad) * log(1 - rate)
