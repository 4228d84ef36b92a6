"""Who somebody is at a door: their own roles, and those of whom they are a deputy at that moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from backout.acting import actor
from backout.people import Person
from backout.problems import spell
from backout.site import Deputy, Site
from backout.site_lint import site_problems
from tests.unit.linted import SITE
from tests.unit.views import OPENED

DAY = timedelta(days=1)
PEOPLE = {
    "ann": Person(name="Ann", roles=("on_call",), login="ann", email="Ann@example.org"),
    "ben": Person(name="Ben", roles=("commander", "product")),
    "cleo": Person(name="Cleo", roles=("legal",)),
}


def site(*deputies: dict[str, Any]) -> Site:
    """Return a site in which these stand in, for a day where nothing else is said."""
    usual = {"start": OPENED, "end": OPENED + DAY}
    standing = tuple(Deputy.model_validate(usual | deputy) for deputy in deputies)
    return SITE.model_copy(update={"people": PEOPLE, "deputies": standing})


def roles(where: Site, person: str, at: datetime = OPENED) -> tuple[str, ...]:
    return actor(where, person, via="cli", at=at).roles


def test_without_deputies_everybody_has_their_own_roles() -> None:
    found = actor(site(), "ann", via="slack", at=OPENED)
    assert (found.person, found.name, found.roles, found.via) == ("ann", "Ann", ("on_call",), "slack")
    assert (found.deputy_of, found.known_as) == ((), ("ann", "Ann@example.org"))


@pytest.mark.parametrize(
    ("after", "stands_in"),
    [(-timedelta(seconds=1), False), (timedelta(0), True), (DAY - timedelta(seconds=1), True), (DAY, False)],
)
def test_a_deputy_has_the_roles_from_the_start_until_the_end(after: timedelta, stands_in: bool) -> None:  # noqa: FBT001  # a table's column
    found = actor(site({"person": "ann", "of": "ben"}), "ann", via="cli", at=OPENED + after)
    assert found.roles == (("on_call", "commander", "product") if stands_in else ("on_call",))
    assert found.deputy_of == (("Ben",) if stands_in else ())


def test_a_deputy_may_stand_in_for_some_of_the_roles_only() -> None:
    assert roles(site({"person": "ann", "of": "ben", "roles": ["product"]}), "ann") == ("on_call", "product")


def test_who_is_stood_in_for_keeps_their_roles() -> None:
    assert roles(site({"person": "ann", "of": "ben"}), "ben") == ("commander", "product")


def test_roles_are_not_handed_on_from_deputy_to_deputy() -> None:
    where = site({"person": "cleo", "of": "ben"}, {"person": "ann", "of": "cleo"})
    assert roles(where, "ann") == ("on_call", "legal")


def test_the_door_may_know_of_more_roles() -> None:
    found = actor(site({"person": "ann", "of": "cleo"}), "ann", via="slack", at=OPENED, more=("support",))
    assert found.roles == ("on_call", "support", "legal")


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "nobody": ({"person": "eve", "of": "ben"}, "deputies[0].person", "unknown person 'eve'"),
    "for nobody": ({"person": "ann", "of": "eve"}, "deputies[0].of", "unknown person 'eve'"),
    "a role that the other does not have": (
        {"person": "ann", "of": "ben", "roles": ["legal"]},
        "deputies[0].roles[0]",
        "unknown role of ben 'legal'. Known: commander, product",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_deputy_who_would_be_missing_is_an_error(case: str) -> None:
    deputy, path, message = WRONG[case]
    (problem,) = site_problems(site(deputy))
    assert spell(problem.path) == path
    assert problem.message.startswith(message)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"of": "ann"}, "nobody is their own deputy"),
        ({"end": OPENED}, "'end' must be later than 'start'"),
        ({"start": datetime(2026, 1, 1)}, "timezone"),  # noqa: DTZ001  # that is the point
    ],
)
def test_a_deputy_that_cannot_be_right_is_refused(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        site({"person": "ann", "of": "ben"} | fields)


@pytest.mark.parametrize(("field", "told"), [("email", "ann@EXAMPLE.org"), ("pagerduty", "P1")])
def test_an_address_is_one_person(field: str, told: str) -> None:
    first = PEOPLE["ann"].model_copy(update={"pagerduty": "P1"})
    second = PEOPLE["ben"].model_copy(update={field: told})
    people = {"ann": first, "ben": second}
    (problem,) = site_problems(SITE.model_copy(update={"people": people}))
    assert spell(problem.path) == f"people.ben.{field}"
