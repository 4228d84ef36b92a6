"""Recovery after the candidate is withdrawn: what counts it alone has nothing to count any more."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from backout.criteria import Criterion
from backout.evaluation import Evaluation, Outcome
from backout.guard import Guard
from backout.signals import Signal
from backout.streams import is_of_release
from backout.triggers import recovery
from tests.unit.guards import SIGNAL, Eye, criterion, guard_of, limit, quick

WELL, ILL = (1, 1000), (900, 1000)
OF_RELEASE = {"bad": 'bad{release="$release"}', "of": 'all{release="$release"}'}
SIGNALS: TypeAdapter[Signal] = TypeAdapter(Signal)


def signal(**fields: object) -> Signal:
    return SIGNALS.validate_python({**SIGNAL, "kind": "ratio", **OF_RELEASE, **fields})


def guard(*criteria: Criterion, **fields: object) -> Guard:
    """Return a guard whose signals `mine...` count the release alone."""
    found = guard_of(*criteria)
    mine = {name: signal(**fields) if name.startswith("mine") else one for name, one in found.signals.items()}
    return found.model_copy(update={"signals": mine})


EVERYBODY, MINE = limit("everybody", "errors"), limit("mine", "mine")
LEFT_OUT = "mine: it counts the candidate alone, which has no traffic"


def shown(eye: Eye, *, withdrawn: bool = True) -> Evaluation:
    return recovery(eye.watch, guard=eye.guard, withdrawn=withdrawn)


ALONE: dict[str, dict[str, Any]] = {
    "a limit": {"test": {"compare": "limit", "max": "1%"}},
    "a baseline beside it": {"test": {"compare": "baseline", "max_ratio": 1.5, "bad": "b", "of": "o"}},
    "a gap between its cohorts": {"test": {"compare": "gap", "by": "language", "max_ratio": 1.5}},
}


@pytest.mark.parametrize("case", ALONE)
def test_what_counts_the_candidate_alone_is_left_out_once_it_has_no_traffic(case: str) -> None:
    eye = Eye(guard(EVERYBODY, criterion("mine", "mine", **ALONE[case])))
    eye.see({"errors": WELL, "mine@baseline": (4, 400)}, times=20)
    assert shown(eye, withdrawn=False).outcome is Outcome.INCONCLUSIVE
    said = shown(eye)
    assert (said.outcome, said.not_counted) == (Outcome.CLEAR, (LEFT_OUT,))
    assert [factor.criterion for factor in said.factors] == ["everybody"]
    assert len(said.reasons) == 1


def test_what_everybody_has_is_measured_as_before() -> None:
    eye = Eye(guard(EVERYBODY, MINE))
    eye.see({"errors": ILL, "mine": WELL}, times=20)
    assert shown(eye).outcome is Outcome.FIRED
    eye = Eye(guard(EVERYBODY, MINE))
    eye.see({"mine": WELL}, times=20)
    assert shown(eye).outcome is Outcome.INCONCLUSIVE


def test_where_nothing_else_measures_recovery_it_is_not_shown() -> None:
    observed = limit("seen", "errors", mode="observe")
    eye = Eye(guard(MINE, observed))
    eye.see({"errors": WELL}, times=20)
    said = shown(eye)
    assert (said.outcome, said.not_counted) == (Outcome.INCONCLUSIVE, ())
    assert said == shown(eye, withdrawn=False)


def test_a_breach_among_what_comes_now_shows_that_something_still_reaches_the_candidate() -> None:
    eye = Eye(guard(EVERYBODY, MINE))
    eye.see({"errors": WELL, "mine": ILL}, times=20)
    said = shown(eye)
    assert (said.outcome, said.not_counted) == (Outcome.FIRED, ())


def test_verdicts_that_come_late_are_of_what_the_candidate_answered_before() -> None:
    eye = Eye(guard(EVERYBODY, MINE, clock="labelled"))
    eye.see({"errors": WELL, "mine": ILL}, times=20)
    said = shown(eye)
    assert (said.outcome, said.not_counted) == (Outcome.CLEAR, (LEFT_OUT,))


def test_a_breach_takes_in_the_candidate_as_long_as_it_is_watched() -> None:
    quickly = quick({"compare": "limit", "max": "1%"}, name="mine", signal="mine")
    said = Eye(guard(EVERYBODY, quickly)).see({"errors": WELL, "mine": ILL}, times=20)
    assert said.factors[1].verdict == "breached"


COUNTS: dict[str, tuple[str, bool]] = {
    "the release by its label": ('bad{release="$release"}', True),
    "it in braces": ("bad.${release}", True),
    "it as a bound value": ("select count(*) from outputs where release = :release", True),
    "everybody": ("bad_total", False),
    "all releases of the service": ('bad{service="$service"}', False),
    "both arms": ('bad{release=~"$release|$baseline"}', False),
    "the baseline": ('bad{release="$baseline"}', False),
    "everything but the release": ('bad{release!="$release"}', False),
    "everything but what begins so": ('bad{release!~"v.$release"}', False),
    "other rows": ("select count(*) from outputs where release <> :release", False),
    "rows not in a list": ("select count(*) from outputs where release NOT IN (:release)", False),
    "what the release had of everything else": ('a{r="$release"} + a{r!="$release"}', False),
    "another word": ("bad.$releases + :releases + a::release", False),
    "a metric whose name has colons": ("job:release:rate", False),
}


@pytest.mark.parametrize("case", COUNTS)
def test_a_query_counts(case: str) -> None:
    text, alone = COUNTS[case]
    assert is_of_release(signal(bad="bad_total", of=text)) is alone
    assert is_of_release(signal(bad=text, of="all_total")) is alone


def test_every_kind_of_signal_may_count_the_release_alone() -> None:
    mine = 'it{release="$release"}'
    for kind in (
        {"kind": "above", "value": mine, "than": 1},
        {"kind": "below", "value": mine, "than": 1},
        {"kind": "event", "events": mine},
        {"kind": "distribution", "of": mine, "by": "topic"},
    ):
        assert is_of_release(SIGNALS.validate_python({**SIGNAL, **kind}))
