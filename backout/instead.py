"""What was done in the place of a revert: it stays in force, also behind one, until somebody undoes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from backout.event import BaseEvent
from backout.model import Frozen
from backout.playbook import Playbook
from backout.steps import RevertStep
from backout.timeline_exposure import ExposureSet, StagePutBack
from backout.timeline_plans import PlanChosen


class Instead(Frozen):
    """An alternative that was carried out, as far as this incident has seen it."""

    name: str
    since: datetime
    """When the first of its targets was changed."""
    at: dict[str, int]
    """Where each of its targets stands, in percent."""
    undone: datetime | None = None
    """When the last of them was back where it was found; None while they are not."""

    @property
    def line(self) -> str:
        """What, since when, and whether it is undone, in one sentence."""
        if self.undone:
            return f"{self.name}, since {self.since:%H:%M:%S} UTC, undone at {self.undone:%H:%M:%S} UTC"
        at = ", ".join(f"{target} at {percent} %" for target, percent in self.at.items())
        return f"{self.name}, since {self.since:%H:%M:%S} UTC, not undone: {at}"


def instead(playbook: Playbook, timeline: Sequence[BaseEvent]) -> Iterator[Instead]:
    """Yield what was done in the place of a revert, in the playbook's order."""
    steps = [step for step in playbook.steps if isinstance(step, RevertStep)]
    for alternative in (one for step in steps for one in step.alternatives):
        chosen = (i for i, event in enumerate(timeline) if _chooses(event, alternative.name))
        if (since := next(chosen, None)) is not None:
            targets = {part.target for part in alternative.targets}
            yield from _done(alternative.name, targets, timeline[since:])


def _chooses(event: BaseEvent, name: str) -> bool:
    return isinstance(event, PlanChosen) and event.chosen == name


def _done(name: str, targets: set[str], timeline: Sequence[BaseEvent]) -> Iterator[Instead]:
    changes = [
        one for one in timeline if isinstance(one, ExposureSet | StagePutBack) and one.target in targets
    ]
    found: dict[str, int] = {}
    at: dict[str, int] = {}
    since = undone = None
    for change in changes:
        found.setdefault(change.target, change.before)
        at[change.target] = change.after
        if all(at[target] >= found[target] for target in at):
            undone = change.at
        elif since is None or undone:
            since, undone = change.at, None
    if since:
        yield Instead(name=name, since=since, at=at, undone=undone)
