"""Causes: why the watch of a release calls people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from backout.evaluation import Blindness, Outcome
from backout.model import Frozen
from backout.requests import Observation
from backout.sightless import blind_line

_RULE, _BLIND = "rule ", "blind "


class Cause(Frozen):
    """Why people are called: a rule that fired, or a source that has become blind."""

    what: str
    """`rule <id>` or `blind <source>`."""
    since: datetime
    why: str

    @property
    def rule(self) -> str:
        """The rule that fired; empty where a source has become blind."""
        return self.what.removeprefix(_RULE) if is_of_rule(self.what) else ""


class Owed(Frozen):
    """A call that did not come through: why, and what was observed then."""

    causes: tuple[Cause, ...]
    seen: Observation

    @property
    def line(self) -> str:
        """The call as a sentence."""
        return (
            f"people could not be called for {', '.join(cause.what for cause in self.causes)}; trying again"
        )


def is_of_rule(what: str) -> bool:
    """Say whether a cause of that name is a rule that fired."""
    return what.startswith(_RULE)


def blind_name(blind: Blindness) -> str:
    """Return the name of the cause that a source is blind."""
    return f"{_BLIND}{blind.source}"


def moment(seen: Observation, now: datetime) -> datetime:
    """Return when it was observed last; now, where nothing was."""
    return (seen.watch.at if seen.watch else None) or now


def causes_of(seen: Observation, now: datetime) -> Iterator[Cause]:
    """Yield for what an observation wants people, whether they know already or not."""
    said, at = seen.evaluation, moment(seen, now)
    if said.outcome is Outcome.FIRED and said.rule is not None:
        fired = seen.watch.fired_at.get(said.rule, at) if seen.watch else at
        yield Cause(what=f"{_RULE}{said.rule}", since=fired, why="; ".join(said.reasons))
    for blind in said.blind:
        if blind.do != "report":
            yield Cause(what=blind_name(blind), since=at, why=blind_line(blind))
