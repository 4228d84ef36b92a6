"""The detector: the capped mixture e-SR (Shiryaev-Roberts e-detector), for one arm and for two.

Each tick brings k bad of n judged outputs. For alternatives 1.5, 2, 4 and 10 times the limit, with `L` the
likelihood ratio of the tick: `M <- (M + 1) * min(L, exp(cap))`; the evidence is their mean. While the rate is
at or below the limit the mean of L is at most 1, so `M_t - t` is a supermartingale, and within T ticks
P(evidence reaches A) <= T / A, however often one looks and however the traffic changes.

One arm: L is binomial, the alternative against the limit. Its mean is 1 at the limit, and less below it.

Two arms: a release with k of n against a control with c of m, and a ratio r that is tolerated. Of the k + c
bad outputs the release has the part `theta(r) = r n / (r n + m)` where it is r times as bad; L is the
binomial likelihood ratio of `theta(r f)` against `theta(r)` for k of k + c. Shared swings cancel. Given k + c
the count k is binomial only for small rates; else it is Fisher's noncentral hypergeometric, of which the odds
ratio is above r. The bound holds for every rate all the same. With a = theta(r f) / theta(r), b the same of
the complements, p and q the rates, and `1 + x <= e^x`, the mean of L is
`(1 + p (a - 1))^n (1 + q (b - 1))^m <= exp(n p (a - 1) + m q (b - 1))`: 1 at p = r q, and less below it.
With high rates that is careful: it costs time, never a false alarm.

Sources: Shin, Ramdas, Rinaldo, "E-detectors: a nonparametric framework for sequential change detection"
(2022), arXiv 2203.03532, for the e-SR, its mixtures and its bound. To compare counts given their sum is usual
in sequential tests of deployments: Lindon, Sanden, Shirikian (2022), arXiv 2205.14762. The cap and the
inequality above are ours. The cap only lowers the evidence: a burst that starts from no evidence must last
`sustain` to reach A, whatever its size.

Since when: `M_t` is the sum, over every tick s at which the release may have turned bad, of the product of
the capped L from s to t. Where it is above the number of ticks, one of these products is above 1. In every
tick log L of the closest alternative is at least a certain part of that of another one (the longer chord of a
convex function is the steeper one), so that its product since that s is above 1 too, which takes a rate
beyond the limit. A sum of its capped log L that begins anew wherever it is not above 0 finds such an s: Page,
"Continuous inspection schemes" (1954). Of two arms the rates follow while the release's part of what is
judged stays the same.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, expm1, log, log1p

ALTERNATIVES = (1.5, 2.0, 4.0, 10.0)
NO_EVIDENCE = (0.0, 0.0, 0.0, 0.0)
MOST = 1e200
"""A statistic grows no further: far above every need, and still a number that JSON can carry."""
_LOG_MOST = log(MOST)
_TIMES = tuple((factor, log(factor)) for factor in ALTERNATIVES)
_EVEN = 0.5
LogRatios = tuple[tuple[float, float], ...]


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
def log_ratios(limit: float) -> LogRatios:
    """Return, per alternative above the limit, the log likelihood ratio of one bad and of one good output."""
    return _log_ratios(limit, [min(limit * factor, (1 + limit) / 2) for factor in ALTERNATIVES])


@lru_cache(maxsize=1024)
def log_ratios_below(limit: float) -> LogRatios:
    """Return the same for the lowest rate that is tolerated; `bad` is then what there should be more of.

    Of a low limit the alternatives are its parts; of a high one the others are counted, of which there may
    not be 1.5, 2, 4 or 10 times as many.
    """
    if limit > _EVEN:
        return tuple((on_good, on_bad) for on_bad, on_good in log_ratios(1 - limit))
    return _log_ratios(limit, [limit / factor for factor in ALTERNATIVES])


def _log_ratios(limit: float, rates: list[float]) -> LogRatios:
    return tuple((log(rate / limit), log1p(-rate) - log1p(-limit)) for rate in rates)


def advance(
    statistics: tuple[float, ...],
    *,
    bad: int,
    judged: int,
    ratios: LogRatios,
    largest: float,
) -> tuple[float, ...]:
    """Return the four statistics after a tick of one arm; a tick without data moves nothing.

    `ratios` are the `log_ratios` of the limit, or the `log_ratios_below` it; `largest` is the `cap`.
    """
    if judged == 0:
        return statistics
    good = judged - bad
    largest = min(largest, _LOG_MOST)
    advanced = []
    # A plain loop: with a generator and `min` for each statistic a tick takes two to three times as long.
    for value, (on_bad, on_good) in zip(statistics, ratios, strict=True):
        weight = bad * on_bad + good * on_good
        grown = (value + 1) * exp(weight if weight < largest else largest)  # noqa: FURB136
        advanced.append(grown if grown < MOST else MOST)  # noqa: FURB136
    return tuple(advanced)


def advance_against(  # noqa: PLR0913  # two arms, and what they are held against
    statistics: tuple[float, ...],
    *,
    bad: int,
    judged: int,
    other_bad: int,
    other_judged: int,
    ratio: float,
    largest: float,
) -> tuple[float, ...]:
    """Return the four statistics after a tick of two arms; where one has no data, nothing moves.

    `ratio` is how many times the other arm's rate is tolerated in the first one.
    """
    if judged == 0 or other_judged == 0:
        return statistics
    weighed, both = ratio * judged, bad + other_bad
    whole = weighed + other_judged
    largest = min(largest, _LOG_MOST)
    advanced = []
    for value, (factor, log_factor) in zip(statistics, _TIMES, strict=True):
        # theta(r f) / theta(r) is f times, and that of the complements once, this quotient.
        weight = bad * log_factor + both * log(whole / (factor * weighed + other_judged))
        grown = (value + 1) * exp(weight if weight < largest else largest)  # noqa: FURB136
        advanced.append(grown if grown < MOST else MOST)  # noqa: FURB136
    return tuple(advanced)


def log_ratio(bad: int, judged: int, ratios: LogRatios) -> float:
    """Return how much better counts of one arm fit the closest alternative than the limit, in nats.

    Where it is above 0 their rate is beyond the limit.
    """
    on_bad, on_good = ratios[0]
    return bad * on_bad + (judged - bad) * on_good


def log_ratio_against(bad: int, judged: int, other_bad: int, other_judged: int, *, ratio: float) -> float:
    """Return the same of two arms: where it is above 0 the first rate is above `ratio` times the other."""
    factor, log_factor = _TIMES[0]
    weighed = ratio * judged
    whole = weighed + other_judged
    return bad * log_factor + (bad + other_bad) * log(whole / (factor * weighed + other_judged))


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
