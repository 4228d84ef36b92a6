"""The detector of limits: the capped mixture e-SR (Shiryaev-Roberts e-detector).

Each tick brings k bad of n judged outputs. For alternatives 1.5, 2, 4 and 10 times the limit, with `L` the
binomial likelihood ratio of the tick: `M <- (M + 1) * min(L, exp(cap))`; the evidence is their mean.
At every rate at or below the limit `M_t - t` is a supermartingale: within T ticks
P(evidence reaches A) <= T / A, however often one looks and however the traffic changes.
Source: Shin, Ramdas, Rinaldo, "E-detectors" (2022), arXiv 2203.03532. The cap, which only lowers the
evidence, is ours: a burst that starts from no evidence must last `sustain` to reach A, whatever its size.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, expm1, log, log1p

ALTERNATIVES = (1.5, 2.0, 4.0, 10.0)
NO_EVIDENCE = (0.0, 0.0, 0.0, 0.0)
MOST = 1e200
"""A statistic grows no further: far above every need, and still a number that JSON can carry."""


@lru_cache(maxsize=1024)
def cap(need: float, ticks: float) -> float:
    """Return the largest log likelihood ratio of one tick: `ticks` ticks at the cap just reach `need`.

    The statistic after m ticks at the cap c is the geometric sum `e^c + e^2c + ... + e^mc`.
    """
    # A little above the need: rounding must not cost a tick.
    aim = need * (1 + 1e-9)
    # The last term alone is no more than the sum, so the sum's cap is not above this.
    low, high = 0.0, log(aim) / max(ticks, 1)
    for _ in range(60 if ticks > 1 else 0):
        middle = (low + high) / 2
        low, high = (low, middle) if _geometric(middle, ticks) > aim else (middle, high)
    return high


def _geometric(rate: float, ticks: float) -> float:
    return expm1(rate * ticks) / -expm1(-rate) if rate else ticks


@lru_cache(maxsize=1024)
def log_ratios(limit: float) -> tuple[tuple[float, float], ...]:
    """Return, per alternative, the log likelihood ratio of one bad and of one good output."""
    rates = (min(limit * factor, (1 + limit) / 2) for factor in ALTERNATIVES)
    return tuple((log(rate / limit), log1p(-rate) - log1p(-limit)) for rate in rates)


def advance(
    statistics: tuple[float, ...], *, bad: int, judged: int, limit: float, largest: float
) -> tuple[float, ...]:
    """Return the four statistics after a tick; a tick without data moves nothing."""
    if judged == 0:
        return statistics
    good = judged - bad
    largest = min(largest, log(MOST))
    advanced = []
    # A plain loop: with a generator and `min` for each statistic a tick takes two to three times as long.
    for value, (on_bad, on_good) in zip(statistics, log_ratios(limit), strict=True):
        weight = bad * on_bad + good * on_good
        grown = (value + 1) * exp(weight if weight < largest else largest)  # noqa: FURB136
        advanced.append(grown if grown < MOST else MOST)  # noqa: FURB136
    return tuple(advanced)


def evidence(statistics: tuple[float, ...]) -> float:
    """Return the mixture's evidence: the mean of its statistics."""
    return sum(statistics) / len(statistics)


def surprise(bad: int, judged: int, limit: float) -> float:
    """Return how far the observed rate is from the limit: `n * KL(k/n || limit)`, in nats.

    By Chernoff's bound the chance of a rate this far on its side of the limit is at most `exp(-surprise)`.
    """
    rate = bad / judged
    from_bad = rate * log(rate / limit) if bad else 0.0
    from_good = (1 - rate) * log((1 - rate) / (1 - limit)) if bad < judged else 0.0
    return judged * (from_bad + from_good)
