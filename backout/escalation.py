"""Escalation policies: who is called one after the other, until somebody owns the incident."""

from __future__ import annotations

from datetime import datetime, timedelta
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

    @property
    def is_plain(self) -> bool:
        """Whether it calls roles alone, at any hour, where the responders work."""
        return not (self.people or self.rotas or self.via or self.hours or self.off_hours)


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

    @model_validator(mode="after")
    def _ends(self) -> Policy:
        if self.unanswered is Move.RETRY:
            msg = "'loops' says how often the levels are gone through; choose one of "
            raise ValueError(msg + ", ".join(move for move in Move if move is not Move.RETRY))
        return self

    @property
    def lasting(self) -> timedelta:
        """How long it takes until everybody was called and had their time to answer."""
        return self.loops * sum((level.wait for level in self.levels), timedelta())


def _from_levels(given: object) -> object:
    return {"levels": given} if isinstance(given, list | tuple) else given


PolicyOrLevels = Annotated[Policy, BeforeValidator(_from_levels)]


class Ladder(Frozen):
    """An escalation policy that is being climbed."""

    policy: str
    level: int
    """The level that is paged now, from 1."""
    until: datetime
    """It is left then, whoever was called."""
    level_until: datetime | None = None
    """How long the level has to answer; None before it is paged."""
    round: int = 1
    """So often its levels are gone through, this time included."""
    called: int = 0
    """The last round in which a level was for anybody."""
    step: str = ""
    """The step that waits for the answer; empty where the steps go on beside it."""

    def above(self, policy: Policy) -> Ladder | None:
        """Return where it goes on when the level did not answer; None where it ends.

        It ends too where no level of a whole round was for anybody: that would be so at once again.
        """
        if self.level < len(policy.levels):
            return self.model_copy(update={"level": self.level + 1, "level_until": None})
        if self.round < policy.loops and self.called == self.round:
            return self.model_copy(update={"level": 1, "round": self.round + 1, "level_until": None})
        return None
