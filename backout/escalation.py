"""Escalation policies: who is called one after the other, until somebody owns the incident."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from backout.model import Duration, Frozen, Name
from backout.steps import Move

MOST_LOOPS = 10


class Level(Frozen):
    """One level of an escalation policy: whom it calls, and how long they have to answer."""

    page: tuple[Name, ...] = ()
    """Roles: everybody who fills one is called."""
    people: tuple[Name, ...] = ()
    """People of the site's directory."""
    rotas: tuple[Name, ...] = ()
    """Rotas of the site: whoever is on call at that moment is called."""
    via: tuple[Name, ...] = ()
    """Channels of the site that the page goes out by, beside the one in which the responders work."""
    wait: Duration
    """How long they have to acknowledge before the next level is paged."""
    hours: Name | None = None
    """A calendar of the site: the level is passed over outside its working hours."""
    off_hours: Name | None = None
    """A calendar of the site: the level is passed over within its working hours."""

    @model_validator(mode="after")
    def _calls_somebody(self) -> Level:
        if not (self.page or self.people or self.rotas):
            msg = "a level calls nobody; name roles under 'page', or 'people', or 'rotas'"
            raise ValueError(msg)
        if self.hours and self.off_hours:
            msg = "'hours' and 'off_hours' exclude each other; name one of them"
            raise ValueError(msg)
        return self


class Policy(Frozen):
    """An escalation policy; a list is short for its levels."""

    levels: Annotated[tuple[Level, ...], Field(min_length=1)]
    """Paged one after the other."""
    loops: Annotated[int, Field(ge=1, le=MOST_LOOPS)] = 1
    """How often the levels are gone through before the ladder ends unanswered."""
    repage: Duration | None = None
    """Acknowledged and still firing after this long, whoever is on call then is paged, level by level."""
    unanswered: Move | None = None
    """What it means that nobody answered; as the step says where nothing is said."""


def _from_levels(given: object) -> object:
    return {"levels": given} if isinstance(given, list | tuple) else given


PolicyOrLevels = Annotated[Policy, BeforeValidator(_from_levels)]
