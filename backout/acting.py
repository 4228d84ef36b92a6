"""Acting: who somebody is at a door at this moment, with the roles that they hold then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from backout.people import Actor
from backout.site import Deputy, Site


def actor(site: Site, person: str, *, via: str, at: datetime, more: Sequence[str] = ()) -> Actor:
    """Return a person of the directory as they act at that moment.

    Their roles are their own, `more` that the door knows of, and those of whom they are a deputy then.
    """
    who = site.people[person]
    standing = tuple(_standing(site, person, at))
    theirs = (role for deputy in standing for role in deputised(site, deputy))
    return Actor(
        person=person,
        name=who.name,
        roles=tuple(dict.fromkeys((*who.roles, *more, *theirs))),
        via=via,
        deputy_of=tuple(dict.fromkeys(site.people[deputy.of].name for deputy in standing)),
        known_as=tuple(name for name in (who.login, who.email) if name),
    )


def deputised(site: Site, deputy: Deputy) -> tuple[str, ...]:
    """Return the roles that a deputy has from the person they stand for: that person's own, no more.

    What that person has as somebody's deputy is not handed on.
    """
    own = site.people[deputy.of].roles
    return tuple(role for role in own if not deputy.roles or role in deputy.roles)


def _standing(site: Site, person: str, at: datetime) -> Iterator[Deputy]:
    for deputy in site.deputies:
        # A name that the directory does not have is the lint's to tell; here it stands for nobody.
        if deputy.person == person and deputy.start <= at < deputy.end and deputy.of in site.people:
            yield deputy
