"""What is asked of people names them, and says how far the vote is."""

from __future__ import annotations

from backout.asked import MOST_NAMES, asked
from backout.people import Action, Person
from backout.view import Ask
from tests.unit.views import approval

DIRECTORY = {
    "ben": Person(name="Ben", roles=("commander", "on_call")),
    "cleo": Person(name="Cleo", roles=("product",)),
    "dan": Person(name="Dan", roles=("product",)),
}


def test_the_roles_are_told_with_the_people_who_fill_them() -> None:
    assert asked(approval(), DIRECTORY).who == "commander (Ben) or product (Cleo, Dan)"
    assert asked(approval(), {}).who == "commander or product"
    assert asked(Ask(what="?", actions=(Action.HOLD,)), DIRECTORY).who == "a person"


def test_of_many_people_some_are_named_and_the_others_counted() -> None:
    many = {f"p{number}": Person(name=f"P{number}", roles=("product",)) for number in range(MOST_NAMES + 2)}
    names = ", ".join(f"P{number}" for number in range(MOST_NAMES))
    assert asked(approval(roles=("product",)), many).who == f"product ({names}, 2 more)"


def test_the_vote_names_those_who_approved_and_what_it_still_takes() -> None:
    half = approval(approved_by=("ben",), approved_as=(("commander",),))
    both = approval(approved_by=("ben", "zoe"), approved_as=(("commander",), ()), required=("product",))
    assert asked(approval(), DIRECTORY).vote == "0 of 2 approved"
    assert asked(half, DIRECTORY).vote == "1 of 2 approved (Ben)"
    assert asked(both, DIRECTORY).vote.startswith(
        "2 of 2 approved (Ben, zoe), it takes somebody who is product"
    )
    assert not asked(Ask(what="?", actions=(Action.HOLD,)), DIRECTORY).vote
