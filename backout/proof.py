"""The proof of a baseline as data: what is known of a release, what is doubted, and how people are asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from backout.messages import CheckResult
from backout.model import Frozen, Name, digest_of, format_duration
from backout.playbook import CountQuery, Proven
from backout.releases import BaselineRecord, Quarantine, ReleaseRecord
from backout.view import IncidentSummary

Kind = Literal["none", "floor", "quarantine", "unregistered", "requests", "incident", "check", "unseen"]
"""What a doubt is about. none: no baseline is known. unseen: nobody could look."""


class Doubt(Frozen):
    """Why a baseline is not proven."""

    kind: Kind
    text: str
    """One sentence without its full stop, with its numbers."""


class ProveBaseline(Frozen):
    """Request: say whether the release that traffic is to go back to is proven."""

    service: Name
    release: str
    """The candidate, which is never its own baseline; empty where none is meant."""
    baseline: str = ""
    """The last known good release as far as it was known before; empty where none was."""
    known_at: datetime | None = None
    """When that was known, for a candidate that nobody registered: one that was named later takes its place.
    None: none does."""
    wanted: Proven
    count: CountQuery | None
    """What counts the requests of a release."""


class Served(Frozen):
    """What a release served in one stretch of time, as far as its source knows."""

    start: datetime
    end: datetime
    before: str = ""
    """The release before whose registration the stretch ends; empty where it ends now."""
    requests: int = 0
    since: datetime | None = None
    """The first look of the stretch that had data; None where none had any."""
    until: datetime | None = None
    """The last one."""
    problem: str = ""
    """Why there is no data, where that is known."""

    @property
    def when(self) -> str:
        """The stretch in words."""
        length = format_duration(self.end - self.start)
        if self.before:
            return f"in the {length} before {self.before} was registered"
        return f"in the last {length}"


class Known(Frozen):
    """Everything that is known of one release."""

    release: str
    record: ReleaseRecord | None = None
    served: tuple[Served, ...] = ()
    incidents: tuple[IncidentSummary, ...] = ()
    quarantines: tuple[Quarantine, ...] = ()


class Floor(Frozen):
    """The last release that a person promoted: automation goes back to none that is older."""

    named: BaselineRecord
    registered_at: datetime | None = None
    """None where nobody registered it."""

    @property
    def since(self) -> datetime:
        """From when on a release is no older than this one."""
        return self.registered_at or self.named.at


class Choice(Frozen):
    """A release that people may name the baseline instead."""

    release: str
    registered_at: datetime
    shown: tuple[str, ...]
    """What is proven of it."""
    doubts: tuple[Doubt, ...]
    """What is not."""

    @property
    def line(self) -> str:
        """The choice in one sentence."""
        parts = (*self.shown, f"not proven: {told(self.doubts)}" if self.doubts else "")
        return f"{self.release}, registered {moment(self.registered_at)}: {'; '.join(filter(None, parts))}"

    @property
    def brief(self) -> str:
        """The choice in a word or two."""
        return f"{self.release} ({'not proven' if self.doubts else 'proven'})"


class Proof(Frozen):
    """Whether a baseline is proven, and why not."""

    baseline: str
    """Empty where none is known."""
    shown: tuple[str, ...] = ()
    """What is proven of it, each with its numbers."""
    doubts: tuple[Doubt, ...] = ()
    choices: tuple[Choice, ...] = ()
    """What people may name instead, where it is not proven."""

    @property
    def is_proven(self) -> bool:
        """Whether nothing is left to doubt."""
        return not self.doubts

    def checked(self, results: Sequence[CheckResult]) -> Proof:
        """Return the proof with what integrity checks found of the baseline."""
        passed = tuple(f"check {one.check} passed: {one.found}" for one in results if one.passed)
        failed = tuple(
            Doubt(kind="check", text=f"check {one.check} failed: {one.found}")
            for one in results
            if not one.passed
        )
        return self.model_copy(update={"shown": (*self.shown, *passed), "doubts": (*self.doubts, *failed)})


class _Waiver(Frozen):
    incident: str
    step: str
    baseline: str
    kinds: tuple[str, ...]


def waiver(found: Proof, *, incident: str, step: str) -> str:
    """Return what an override of these doubts is bound to.

    The numbers in them are others at every look: what is bound is which baseline it is, and what it lacks.
    """
    kinds = tuple(sorted({doubt.kind for doubt in found.doubts}))
    return digest_of(_Waiver(incident=incident, step=step, baseline=found.baseline, kinds=kinds))


def question(found: Proof, *, service: str, candidate: str) -> str:
    """Return what people are asked who may override: its first line says it all, the others help."""
    to = f" to {found.baseline}, which is not proven" if found.baseline else ""
    choices = [f"- {choice.line}" for choice in found.choices]
    lines = (
        f"Revert {service} {candidate}{to}: {told(found.doubts)}",
        *([f"Proven: {'; '.join(found.shown)}"] if found.shown else []),
        *(["Other releases:", *choices] if choices else []),
        f"Override it to go on, or name another one: {_naming(service)}; it is looked at within minutes",
    )
    return "\n".join(lines)


def way_out(found: Proof, *, service: str) -> str:
    """Return what is wrong and what to do, for an incident that is held because of it."""
    which = f"{found.baseline} is no proven baseline: " if found.baseline else ""
    choices = ", ".join(choice.brief for choice in found.choices) or "no other one is registered"
    naming = f"Name the release to go back to with {_naming(service)}, then resume"
    return f"{which}{told(found.doubts)}. {naming}; choices: {choices}"


def _naming(service: str) -> str:
    return f"'backout release baseline {service}/RELEASE --why TEXT'"


def told(doubts: Sequence[Doubt]) -> str:
    """Return the doubts as one line."""
    return "; ".join(doubt.text for doubt in doubts)


def moment(at: datetime) -> str:
    """Write a moment as people read it."""
    return f"{at:%Y-%m-%d %H:%M} UTC"
