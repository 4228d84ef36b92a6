"""What calls nobody while a release has no traffic, and what is a sign of traffic."""

from __future__ import annotations

from typing import Any

import pytest

from backout.causes import Cause
from backout.evaluation import Outcome
from backout.guard import Guard
from backout.idleness import idle, tells_of_traffic
from backout.requests import Observation
from backout.rules import Rule
from tests.unit.guards import Eye, guard_of, quick, rule
from tests.unit.views import OPENED

LIMIT: dict[str, Any] = {"compare": "limit", "max": "1%"}
OURS, MINE = quick(LIMIT, name="ours", signal="everybody"), quick(LIMIT, name="mine", signal="mine")
ILL, WELL = (900, 1000), (1, 1000)
FIRED = Cause(what="rule it", since=OPENED, why="bad")
BLIND = Cause(what="blind metrics", since=OPENED, why="down")


def guard(one: Rule) -> Guard:
    """Return a guard whose signal `mine` counts the release alone."""
    found = guard_of(OURS, MINE, rules=[one])
    of_release = found.signals["mine"].model_copy(update={"of": 'all{release="$release"}'})
    return found.model_copy(update={"signals": found.signals | {"mine": of_release}})


def seen(one: Rule, *, ours: tuple[float, float], mine: tuple[float, float]) -> tuple[Guard, Observation]:
    """Return what is observed when the rule fires."""
    eye = Eye(guard(one))
    looks = (eye.see({"everybody": ours, "mine": mine}) for _ in range(20))
    said = next(said for said in looks if said.outcome is Outcome.FIRED)
    return eye.guard, Observation(evaluation=said, ticks=eye.watch.ticks, watch=eye.watch)


@pytest.mark.parametrize(
    ("when", "ours", "mine", "is_idle"),
    [
        ({"any_of": ["ours", "mine"]}, ILL, WELL, True),
        ({"any_of": ["ours", "mine"]}, WELL, ILL, False),
        ({"any_of": ["ours", "mine"]}, ILL, ILL, False),
        ({"all_of": ["ours", "mine"]}, ILL, ILL, False),
        ({"any_of": ["ours"]}, ILL, ILL, True),
    ],
    ids=["the service alone", "the release alone", "either", "both", "one that does not ask of the release"],
)
def test_a_rule_that_fired_is_idle_where_nothing_of_the_release_made_it_fire(
    when: dict[str, Any], ours: tuple[float, float], mine: tuple[float, float], *, is_idle: bool
) -> None:
    its_guard, observation = seen(rule("it", when=when), ours=ours, mine=mine)
    assert observation.evaluation.rule == "it"
    assert idle((FIRED, BLIND), observation, its_guard) == ((FIRED, BLIND) if is_idle else (BLIND,))
    assert tells_of_traffic({"it"}, observation, its_guard) is not is_idle
    assert not tells_of_traffic({"another"}, observation, its_guard)


def test_what_was_bad_within_the_time_of_a_rule_still_tells_of_the_release() -> None:
    its_guard, observation = seen(
        rule("it", when={"any_of": ["ours", "mine"], "within": "10m"}), ours=WELL, mine=ILL
    )
    said = observation.evaluation.model_copy(
        update={
            "factors": tuple(
                one.model_copy(update={"verdict": "healthy"}) for one in observation.evaluation.factors
            )
        }
    )
    assert idle((FIRED,), observation.model_copy(update={"evaluation": said}), its_guard) == ()


def test_where_it_cannot_be_told_what_made_a_rule_fire_people_are_called() -> None:
    its_guard, observation = seen(rule("it", when={"any_of": ["ours"]}), ours=ILL, mine=WELL)
    assert idle((FIRED,), observation.model_copy(update={"watch": None}), its_guard) == ()


def test_a_call_that_is_owed_for_another_rule_is_not_idle() -> None:
    its_guard, observation = seen(rule("it", when={"any_of": ["ours"]}), ours=ILL, mine=WELL)
    owed = Cause(what="rule another", since=OPENED, why="bad")
    assert idle((owed, FIRED), observation, its_guard) == (FIRED,)
