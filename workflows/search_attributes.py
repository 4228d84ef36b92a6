"""What incidents are found by in Temporal's UI and in lists."""

from __future__ import annotations

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from backout.case import OpenIncident
from backout.guard_release import GuardRelease
from backout.view import IncidentOutcome

SERVICE = SearchAttributeKey.for_keyword("BackoutService")
RELEASE = SearchAttributeKey.for_keyword("BackoutRelease")
PLAYBOOK = SearchAttributeKey.for_keyword("BackoutPlaybook")
SEVERITY = SearchAttributeKey.for_keyword("BackoutSeverity")
PHASE = SearchAttributeKey.for_keyword("BackoutPhase")
OUTCOME = SearchAttributeKey.for_keyword("BackoutOutcome")
ALL = (SERVICE, RELEASE, PLAYBOOK, SEVERITY, PHASE, OUTCOME)


def of_incident(opening: OpenIncident) -> TypedSearchAttributes:
    """Return what an incident is found by when it opens."""
    first = opening.playbook.steps[0].step
    return _attributes(
        (SERVICE, opening.service),
        (RELEASE, opening.release),
        (PLAYBOOK, opening.playbook.playbook),
        (SEVERITY, opening.playbook.severity.value),
        (PHASE, first),
        (OUTCOME, IncidentOutcome.OPEN.value),
    )


def of_watch(guard: GuardRelease) -> TypedSearchAttributes:
    """Return what a release's watch is found by when it begins; its phase is its state."""
    return _attributes(
        (SERVICE, guard.place.service),
        (RELEASE, guard.place.release),
        (PLAYBOOK, guard.playbook.playbook),
        (SEVERITY, guard.playbook.severity.value),
        (PHASE, "waiting"),
    )


def _attributes(*values: tuple[SearchAttributeKey[str], str]) -> TypedSearchAttributes:
    return TypedSearchAttributes([SearchAttributePair(key, value) for key, value in values])
