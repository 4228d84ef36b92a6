"""Who acts through the command line: the owner of the account; anybody else only where the site says so."""

from __future__ import annotations

from getpass import getuser

import pytest

from backout.errors import LoginUnknown, NotYourLogin, UnknownName
from backout.people import Person
from backout.site import Site
from cli.session import actor_of
from tests.gateway.world import SITE

BOB = Person(name="Bob", roles=("commander",), login="another-account")


def site(*, login: str | None, act_as: tuple[str, ...] = ()) -> Site:
    """Return a site in which this account is Ann's."""
    ann = Person(name="Ann", roles=("on_call",), login=login)
    return SITE.model_copy(update={"people": {"ann": ann, "bob": BOB}, "act_as": act_as})


@pytest.mark.parametrize("chosen", [None, "ann"], ids=["by login alone", "and named"])
@pytest.mark.parametrize("act_as", [(), (getuser(),)], ids=["not listed", "listed"])
def test_the_owner_of_the_account_acts(chosen: str | None, act_as: tuple[str, ...]) -> None:
    actor = actor_of(site(login=getuser(), act_as=act_as), chosen=chosen)
    assert (actor.person, actor.name, actor.roles) == ("ann", "Ann", ("on_call",))
    assert actor.via == f"cli:{getuser()}"


@pytest.mark.parametrize("act_as", [(), ("another-account", f"{getuser()}x")], ids=["nobody", "others"])
def test_one_account_cannot_be_two_people(act_as: tuple[str, ...]) -> None:
    with pytest.raises(NotYourLogin) as refused:
        actor_of(site(login=getuser(), act_as=act_as), chosen="bob")
    assert str(refused.value) == (
        f"The account '{getuser()}' may not act as 'bob', so nothing was done: it is that of 'ann'. "
        "Let bob log in, or list the account under 'act_as' in the site file, and it may act as anybody."
    )


def test_an_account_that_is_nobodys_cannot_be_anybody() -> None:
    with pytest.raises(NotYourLogin, match="may not act as 'ann', so nothing was done: it is nobody's"):
        actor_of(site(login=None), chosen="ann")
    with pytest.raises(LoginUnknown, match=f"Nobody in the directory has the login '{getuser()}'"):
        actor_of(site(login=None, act_as=(getuser(),)), chosen=None)


def test_an_account_that_the_site_lists_acts_as_anybody_and_is_recorded() -> None:
    for login in (None, getuser()):
        actor = actor_of(site(login=login, act_as=("deploy", getuser())), chosen="bob")
        assert (actor.person, actor.roles, actor.via) == ("bob", ("commander",), f"cli:{getuser()}")


def test_an_unknown_person_is_told_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match=r"Unknown person 'mallory'\. Known: ann, bob\."):
        actor_of(site(login=getuser(), act_as=(getuser(),)), chosen="mallory")
