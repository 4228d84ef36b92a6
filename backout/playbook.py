"""The playbook: the contingency for one scenario, as data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from backout.communications import Communication
from backout.criteria import Criterion
from backout.escalation import PolicyOrLevels
from backout.guard import Guard
from backout.model import Duration, Frozen, Name
from backout.people import Action, ReleaseRight, Role
from backout.rules import Judgment, Occasion, Rearm, Rule, Veto
from backout.severity import Severity
from backout.signals import Signal
from backout.steps import Move, RevertStep, RolloutStep, StagedStep, Step


class AtRisk(Frozen):
    """What the scenario threatens."""

    users: str
    safety: str
    business: str


class CountQuery(Frozen):
    """A counter of a source; `$service` and `$release` are filled in."""

    source: Name
    query: str


class Proven(Frozen):
    """What makes a baseline a proven one."""

    requests: Annotated[int, Field(ge=1)]
    """So many requests it has served at least, in `over`; counted by `requests` of the release."""
    over: Duration
    """For so long it has served them, without an incident."""
    checks: tuple[Name, ...] = ()
    """Integrity checks of the site that must pass for it: its artifacts are there, with their digests."""


class Release(Frozen):
    """What is released, and how its traffic is counted."""

    service: Name
    artifacts: Annotated[
        tuple[Literal["model", "prompt", "config", "index", "guardrail", "dataset"], ...], Field(min_length=1)
    ]
    """The parts that make up one release of this service."""
    requests: CountQuery | None = None
    """Counts the requests that the candidate served: the blast radius."""
    proven: Proven | None = None
    """What the last known good release must have shown before anything is reverted to it."""


class Approvals(Frozen):
    """How long people have to approve, and what silence means, where a rule does not say it."""

    within: Duration
    on_timeout: Move


class BreakGlass(Frozen):
    """The way past a quorum that cannot be reached: two people of two roles, each with a reason."""

    roles: Annotated[tuple[Name, ...], Field(min_length=2)]
    """Roles of which two must do it, each by another person, although they may not approve."""
    report: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Roles that are called about it at once; it is in the postmortem too."""


class Playbook(Frozen):
    """One contingency: what is watched, who decides, and the steps in their order."""

    playbook: Name
    """The playbook's name; the same as its file's."""
    version: Annotated[int, Field(ge=1)]
    scenario: str
    """What goes wrong, in a sentence or two."""
    at_risk: AtRisk
    severity: Severity
    release: Release
    channel: Name
    """The site's channel in which responders work."""
    tick: Duration
    """How often the signals are read."""
    signals: dict[Name, Signal]
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1)]
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    """The first that fires counts, so the most urgent stands first."""
    vetoes: tuple[Veto, ...] = ()
    """Conditions that hold rules back for a while."""
    judgments: tuple[Judgment, ...] = ()
    """Questions to people whose answers weigh into the rules."""
    occasions: dict[Name, Occasion] = {}
    """External events that the rules can listen to, by the name that they use."""
    rearm: Rearm = Rearm()
    """When a rule that fired may fire again."""
    roles: Annotated[dict[Name, Role], Field(min_length=1)]
    """Who takes part, and which decision rights each role has."""
    approvals: dict[Severity, Approvals] = {}
    """How long approvals may take, by the severity that the incident has then."""
    break_glass: BreakGlass | None = None
    """Who may authorise in an emergency what the others do not answer; nobody where nothing is said."""
    consents: dict[Action, tuple[Name, ...]] = {}
    """What takes effect only once somebody of each of these roles has consented, such as `close: [legal]`."""
    escalation: dict[Name, PolicyOrLevels]
    """Escalation policies by name."""
    communications: tuple[Communication, ...] = ()
    """What each audience is told, and by when, beside the steps."""
    remind: Duration
    """How long a held incident waits before people are paged again; the pause doubles each time, to a day."""
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    rollout: tuple[Step, ...] = ()
    """The steps of a rollout, or of a re-release: the same engine, upwards."""

    def rolling_out(self) -> Playbook:
        """Return what a rollout goes by: its own steps, and nothing of what tells of an incident."""
        return self.model_copy(update={"steps": self.rollout, "communications": ()})

    @property
    def way_down(self) -> int | None:
        """Return the position of the step that takes exposure off: the revert, else the rollout."""
        kinds = [type(step) for step in self.steps]
        found = (kinds.index(kind) for kind in (RevertStep, RolloutStep) if kind in kinds)
        return next(found, None)

    @property
    def release_set(self) -> frozenset[str]:
        """Return the targets that the release is on: an alternative's own are none of them."""
        staged = (step for step in self.steps if isinstance(step, StagedStep))
        return frozenset(part.target for step in staged for part in step.parts)

    def holders(self, *rights: Action | ReleaseRight) -> tuple[str, ...]:
        """Return the roles that have any of these rights."""
        return tuple(name for name, role in self.roles.items() if set(rights) & set(role.may))

    @property
    def guard(self) -> Guard:
        """The part that decides about a release."""
        return Guard.model_construct(**{name: getattr(self, name) for name in Guard.model_fields})

    def rule(self, rule_id: str | None) -> Rule | None:
        """Return the rule of that id, or None where nothing fired."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)
