"""The tables that the bench prints, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from bench.triggers import forms
from bench.triggers.cost import RELEASES, SIGNALS, Cost
from bench.triggers.forms import Form, Found
from bench.triggers.measuring import (
    EFFECTS,
    HEALTHY_DAYS,
    PER_MINUTE,
    SHIPPED_NAME,
    Delays,
    FalseReverts,
)
from bench.triggers.rules import SHIPPED
from bench.triggers.traffic import LIMIT, MINUTE, TICK_S, USUAL, Counts

VOLUMES = [f"{volume}/min" for volume in PER_MINUTE]
OURS = "capped e-SR"


def print_table(title: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print one table below its title."""
    head = list(head)
    print(f"\n{title}\n")
    print(f"| {' | '.join(head)} |")
    print("|---" * len(head) + "|")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def print_false_reverts(found: Mapping[str, Mapping[str, FalseReverts]]) -> None:
    """Print the detector's false reverts on each kind of healthy traffic."""
    print(f"Usual rate {USUAL:.1%}, limit {LIMIT:.1%}, tick {TICK_S} s, shipped evidence {SHIPPED_NAME}.")
    print_table(
        f"Runs of {HEALTHY_DAYS} healthy days with a false revert, and false reverts a day",
        ["traffic", *VOLUMES],
        ([name, *(cell(rules[OURS][volume]) for volume in PER_MINUTE)] for name, rules in found.items()),
    )
    sizes = sorted({len(reverts) for rules in found.values() for reverts in rules[OURS].values()})
    bounds = " and ".join(f"0 of {runs} at most {1 - 0.05 ** (1 / runs):.1%}" for runs in sizes)
    print(f"\nWhat the runs show with 95 % confidence: {bounds} for {HEALTHY_DAYS} days.")


def print_longer(found: Mapping[str, FalseReverts]) -> None:
    """Print how rare a longer `sustain` makes false reverts on the realistic mix."""
    print_table(
        f"Realistic traffic and a longer sustain: runs of {HEALTHY_DAYS} days with a false revert",
        ["setting", *VOLUMES],
        ([name, *(cell(reverts[volume]) for volume in PER_MINUTE)] for name, reverts in found.items()),
    )


def print_head_starts(found: Mapping[int, Counts]) -> None:
    """Print how long a burst must last after a healthy time: what evidence there is, it need not bring."""
    ticks = round(SHIPPED.sustain_min * MINUTE)
    worth = np.cumsum(np.exp(SHIPPED.cap * np.arange(1, ticks + 1)))
    print_table(
        f"How long a burst of any size must last at least to revert; sustain is {ticks} ticks",
        ["judged", "time in which it is the whole sustain", "99 % of the time"],
        (
            [
                f"{volume}/min",
                f"{np.mean(evidence < worth[0]):.1%}",
                f"{ticks - int((worth <= np.quantile(evidence, 0.99)).sum())} ticks",
            ]
            for volume, evidence in found.items()
        ),
    )


def print_side_by_side(found: Mapping[str, Mapping[str, FalseReverts]]) -> None:
    """Print the false reverts of the usual rules beside the detector's."""
    print_table(
        f"The usual rules on the same healthy traffic: runs of {HEALTHY_DAYS} days with a false revert",
        ["rule", "traffic", *VOLUMES],
        (
            [rule, traffic, *(cell(reverts[volume]) for volume in PER_MINUTE)]
            for traffic, rules in found.items()
            for rule, reverts in rules.items()
        ),
    )


def cell(reverts: Counts) -> str:
    """Write how many runs had a false revert, and how many a day there were."""
    runs = f"{np.count_nonzero(reverts)}/{len(reverts)}"
    return f"{runs} ({written(reverts.mean() / HEALTHY_DAYS)}/d)" if reverts.any() else runs


def print_delays(clean: Delays, realistic: Delays) -> None:
    """Print the minutes until a bad release is found."""
    every = {**clean, f"{OURS}, realistic traffic": realistic[OURS]}
    print_table(
        "Minutes until a bad release is found: median / 95 % of the runs",
        ["rule", "judged", *(f"x{effect:g}" for effect in EFFECTS)],
        (
            [rule, f"{volume}/min", *(quantiles(found[volume, effect]) for effect in EFFECTS)]
            for rule, found in every.items()
            for volume in PER_MINUTE
        ),
    )
    print(
        f"\nx3 is a rate of {3 * USUAL:.1%}; x4.5 is three times the limit. The largest error of a median of"
        f" {OURS} (95 %) is {max(median_error(delays) for delays in clean[OURS].values()):.0%} of it."
    )


def quantiles(minutes: Counts) -> str:
    """Write the median and the 95th percentile; a day is where we stop to look."""
    return " / ".join(written(float(np.quantile(minutes, at, method="inverted_cdf"))) for at in (0.5, 0.95))


def written(number: float) -> str:
    """Write a number as people do, to two or three digits."""
    if np.isinf(number):
        return "over a day"
    digits = 3 if number >= 1 else 2
    return f"{float(f'{number:.{digits}g}'):g}"


def median_error(minutes: Counts) -> float:
    """Return half the width of the median's 95 % confidence interval, as a share of the median."""
    spread = 1.96 * 0.5 / np.sqrt(len(minutes))
    low, middle, high = np.quantile(minutes, [0.5 - spread, 0.5, 0.5 + spread], method="inverted_cdf")
    return float((high - low) / 2 / middle) if np.isfinite(high) else 0.0


def print_settings(found: Mapping[str, FalseReverts], took: Delays) -> None:
    """Print what other settings cost and bring."""
    effects = [*((volume, 3.0) for volume in PER_MINUTE), (500, 2.0), (500, 4.5), (500, 10.0)]
    print_table(
        "Other settings: false reverts on the realistic traffic; median minutes on clean traffic",
        ["false_alarm, sustain", *VOLUMES, *(f"x{effect:g} at {volume}" for volume, effect in effects)],
        (
            [name, *(cell(reverts[volume]) for volume in PER_MINUTE)]
            + [quantiles(took[name][key]).partition(" / ")[0] for key in effects]
            for name, reverts in found.items()
        ),
    )


TITLES = {
    "two arms": "Two arms against one: traffic whose usual rate swings",
    "gap": "A gap: the first cohort, 10 % of the outputs, becomes worse",
    "drift": "Drift: the share of one category (5 %) rises",
    "combined": "Combined rules on the realistic traffic",
}


def print_forms(kind: str, found: Sequence[tuple[Form, Found]]) -> None:
    """Print false alarms and delays of one kind of form."""
    effects = found[0][0].effects
    runs = len(next(iter(found[0][1].false_alarms.values())))
    days = runs * forms.HEALTHY_DAYS
    print_table(
        f"{TITLES[kind]}: false alarms in {days} healthy days, minutes until it is found",
        ["criterion or rule", "traffic", "judged", "false alarms", *(f"x{effect:g}" for effect in effects)],
        (
            [form.name, form.where, f"{volume}/min", f"{one.false_alarms[volume].sum():.0f}"]
            + [quantiles(one.minutes[volume, effect]) for effect in effects]
            for form, one in found
            for volume in form.volumes
        ),
    )


def print_event(looks: Sequence[int]) -> None:
    """Print how long an event of zero tolerance stays unseen."""
    at_once = looks.count(1)
    print(f"\nAn event of zero tolerance fired in the look that showed it in {at_once} of {len(looks)} runs.")


def print_cost(spent: Cost) -> None:
    """Print what it costs."""
    print_table(
        "Cost on one core",
        ["what", "measured"],
        [
            ["detector.advance", f"{spent.updates_per_s:,.0f} updates/s"],
            ["detector.advance_against", f"{spent.two_arms_per_s:,.0f} updates/s"],
            [f"triggers.tick, {SIGNALS} signals", f"{spent.tick_s * 1e6:.0f} us"],
            [f"{RELEASES:,} releases x {SIGNALS} signals every {TICK_S} s", f"{spent.cores:.1%} of a core"],
            ["the state of a watch as JSON", f"{spent.state_bytes:,} bytes, {spent.dump_s * 1e6:.0f} us"],
        ],
    )
