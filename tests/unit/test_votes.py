"""Approvals in distinct roles: nobody counts for two, and nobody who must be among them is missing."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from backout import case_acts
from backout.case import Case
from backout.people import Action, Actor
from backout.view import Ask
from backout.votes import lacking, roles_filled
from tests.invariants.properties import quickly
from tests.unit.views import BEN, CLEO, PLAN, act, approval, at, case_of

NAMES = ("on_call", "commander", "product")
VOTES = st.lists(st.lists(st.sampled_from(NAMES), unique=True).map(tuple), max_size=5)


@given(VOTES)
@quickly
def test_nobody_fills_two_roles_and_nobody_could_be_placed_better(votes: list[tuple[str, ...]]) -> None:
    best = max(
        len({role for role in chosen if role})
        for chosen in product(*[(*roles, "") for roles in votes])
        if all(chosen.count(role) == 1 for role in chosen if role)
    )
    assert roles_filled(votes) == best
    assert best <= min(len(votes), len({role for roles in votes for role in roles}))


@given(VOTES, st.integers(1, 3), st.integers(1, 3), st.sampled_from([(), ("product",)]))
@quickly
def test_what_is_authorised_has_its_people_its_roles_and_who_must_be_among_them(
    votes: list[tuple[str, ...]], quorum: int, roles_needed: int, must: tuple[str, ...]
) -> None:
    ask = Ask(
        what="Revert r2",
        actions=(Action.APPROVE, Action.REJECT),
        quorum=quorum,
        roles=NAMES,
        roles_needed=roles_needed,
        must=must,
        approved_by=tuple(f"p{number}" for number in range(len(votes))),
        approved_as=tuple(votes),
    )
    enough = (
        len(votes) >= quorum
        and (roles_needed == 1 or roles_filled(votes) >= roles_needed)
        and (not must or any("product" in roles for roles in votes))
    )
    assert (lacking(ask) == "") == enough


def approve(case: Case, actor: Actor) -> str:
    """Let a person approve what waits; return the answer."""
    vote = act(Action.APPROVE, actor, subject=PLAN)
    return case_acts.take_act(case, vote, right=actor.roles[0], now=at(1), step="revert").text


def test_two_roles_are_not_filled_by_two_people_of_one() -> None:
    dan = Actor(person="dan", name="Dan", roles=("commander", "on_call"), via="cli")
    case = case_of(asks={"approve": approval(roles_needed=2)})
    assert approve(case, BEN) == "approval 1 of 2"
    assert approve(case, dan) == "approval 2 of 2; it takes 1 more role, filled by somebody else"
    assert case.authorised == ()
    assert approve(case, CLEO) == "approval 3 of 2: authorised"


def test_somebody_of_the_deciding_roles_must_be_among_those_who_approve() -> None:
    case = case_of(asks={"approve": approval(quorum=1, must=("product",))})
    assert approve(case, BEN) == "approval 1 of 1; it takes somebody who is product"
    assert approve(case, CLEO) == "approval 2 of 1: authorised"
