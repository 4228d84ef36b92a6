"""Rules: criteria combined into an action, what holds them back, and what people say to them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag, model_validator

from backout.model import Duration, Frozen, Name
from backout.steps import Move

Level = Literal["hold", "revert"]
"""hold: suspicion is enough (`false_hold`). revert: the evidence of a breach (`false_alarm`)."""


def _kind(given: object) -> str | None:
    """Return which part of a condition was given; None where it is none of them, or two at once."""
    keys = given if isinstance(given, dict) else getattr(type(given), "model_fields", None)
    if keys is None:
        return "name"
    kinds = [kind for kind in ("any_of", "all_of", "at_least") if kind in keys]
    return kinds[0] if len(kinds) == 1 else None


_CHOICE = Discriminator(
    _kind,
    custom_error_type="condition",
    custom_error_message="a condition is exactly one of 'any_of: [...]', 'all_of: [...]' and 'at_least: 2' "
    "with 'of: [...]'",
)


class _Group(Frozen):
    """What every condition has."""

    level: Level | None = None
    """How sure each criterion must be; as the condition around it says, and `revert` at the outermost."""
    within: Duration | None = None
    """What was so sure within this long still counts; as the condition around it says, and else only now."""


class AnyOf(_Group):
    """True when at least one of its parts is."""

    any_of: Annotated[tuple[Part, ...], Field(min_length=1)]

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it is made of."""
        return self.any_of


class AllOf(_Group):
    """True when all of its parts are."""

    all_of: Annotated[tuple[Part, ...], Field(min_length=1)]

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it is made of."""
        return self.all_of


class AtLeast(_Group):
    """True when so many of its parts are. Criteria on one signal count once: they see the same thing.

    A nested condition counts where something that makes it true is on a signal that no other part stands for.
    """

    at_least: Annotated[int, Field(ge=1)]
    of: Annotated[tuple[Part, ...], Field(min_length=1)]

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it is made of."""
        return self.of


Condition: TypeAlias = AnyOf | AllOf | AtLeast
"""A combination of criteria, marked events, judgments and other conditions."""
_When: TypeAlias = Annotated[
    Annotated[AnyOf, Tag("any_of")] | Annotated[AllOf, Tag("all_of")] | Annotated[AtLeast, Tag("at_least")],
    _CHOICE,
]
Part: TypeAlias = Annotated[
    Annotated[Name, Tag("name")]
    | Annotated[AnyOf, Tag("any_of")]
    | Annotated[AllOf, Tag("all_of")]
    | Annotated[AtLeast, Tag("at_least")],
    _CHOICE,
]
"""A criterion's id, a marked event's name, `<judgment>.<answer>`, or a condition."""

AnyOf.model_rebuild()
AllOf.model_rebuild()
AtLeast.model_rebuild()


def names_in(condition: Condition) -> Iterator[str]:
    """Yield the names that a condition and those inside it use."""
    for part in condition.parts:
        if isinstance(part, str):
            yield part
        else:
            yield from names_in(part)


class Do(StrEnum):
    """What a rule that fires brings about."""

    REVERT = "revert"
    """The release is taken back, with the rule's authority; on fairness alone two roles must approve."""
    HOLD = "hold"
    """The incident stops until a person decides."""
    PAGE = "page"
    """People are called, and the watch goes on."""
    PAUSE_AND_INVESTIGATE = "pause_and_investigate"
    """The incident stops for a targeted investigation; a revert on it needs two roles to decide so."""


class Rule(Frozen):
    """Criteria combined into an action, with the authority that it takes."""

    id: Name
    do: Do = Do.REVERT
    when: _When
    authority: Literal["auto", "ack", "approve"] = "approve"
    """auto: revert at once. ack: a person owns it first. approve: a quorum authorises the plan first."""
    approve_by: tuple[Name, ...] = ()
    """Roles whose approvals count; empty means every role with the right to approve."""
    quorum: Annotated[int, Field(ge=1, le=5)] = 1
    """Distinct people who must approve."""
    required: tuple[Name, ...] = ()
    """Roles that must each be among those who approve, such as legal; their approvals count too."""
    approve_within: Duration | None = None
    """How long they have; else as `approvals` says for the severity, or as long as the step's time window."""
    on_timeout: Move | None = None
    """What silence means then; else as `approvals` says for the severity, or as the step does."""
    veto_window: Duration | None = None
    """auto: so long it is announced before it begins, and anybody who may hold can stop it."""


class Veto(Frozen):
    """A condition that holds rules back for a while."""

    id: Name
    when: _When
    blocks: Annotated[tuple[Name, ...], Field(min_length=1)]
    """The rules that it holds back."""
    unless: tuple[Name, ...] = ()
    """Rules that end it when they fire."""
    max_hold: Duration = timedelta(minutes=30)
    """It holds no longer than this; a rule that fires after it needs an approval by the deciding roles."""
    decide_by: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Roles that decide when it has ended."""


class Weight(StrEnum):
    """What an answer to a judgment does to the rules."""

    CARRY_ON = "carry on"
    """Nothing: the signals decide."""
    WEAKER = "weaker evidence suffices"
    """A tenth of the evidence is enough."""
    REVERT = "revert now"
    """The release is taken back, without more evidence, once the plan is approved."""
    HOLD_OFF = "hold off"
    """The cause is known: no rule reverts while it lasts."""


class Judgment(Frozen):
    """A question to people whose dated answer weighs into the rules, until it expires."""

    id: Name
    by: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Roles that may answer."""
    ask: str
    expires: Duration
    answers: Annotated[dict[Name, Weight], Field(min_length=1)]
    """The answers in the asker's words, and what each does."""


class Occasion(Frozen):
    """External events that the rules can listen to, by their kind."""

    kind: str
    """The kind of the marked event, such as `provider_outage`."""
    lasts: Duration | None = None
    """It counts so long from its beginning, at most; until it ends, where nothing is said."""


class Rearm(Frozen):
    """When a rule that fired may fire again."""

    quiet: Duration = timedelta(minutes=10)
    """So long its condition must have been untrue."""
    cooldown: Duration = timedelta(hours=1)
    """So long after it fired it stays silent; longer than a tick."""

    @model_validator(mode="after")
    def _ordered(self) -> Rearm:
        if self.quiet > self.cooldown:
            msg = "quiet is longer than cooldown, so cooldown would mean nothing; lengthen it"
            raise ValueError(msg)
        return self
