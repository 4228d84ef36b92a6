"""What the engine's UI and lists show of an incident: written when it opens, read when it is listed."""

from __future__ import annotations

from temporalio.client import WorkflowExecution
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from backout.addressing import ListedIncident
from backout.case import OpenIncident
from backout.view import IncidentOutcome
from workflows import search_attributes


def attributes_of(opening: OpenIncident) -> TypedSearchAttributes:
    """Return what the incident is found by."""
    values = {
        search_attributes.SERVICE: opening.service,
        search_attributes.RELEASE: opening.release,
        search_attributes.PLAYBOOK: opening.playbook.playbook,
        search_attributes.SEVERITY: opening.playbook.severity.value,
        search_attributes.PHASE: opening.playbook.steps[0].step,
        search_attributes.OUTCOME: IncidentOutcome.OPEN.value,
    }
    return TypedSearchAttributes([SearchAttributePair(key, value) for key, value in values.items()])


def summary_of(opening: OpenIncident) -> str:
    """Return the incident in one line."""
    playbook = opening.playbook
    about = f"{playbook.playbook} version {playbook.version}, {playbook.severity.value}"
    return f"{opening.service}/{opening.release}: {about}"


def details_of(opening: OpenIncident) -> str:
    """Return what the incident is about, in Markdown."""
    playbook = opening.playbook
    lines = (
        f"**{playbook.playbook}** version {playbook.version}, `{opening.digest}`",
        "",
        playbook.scenario,
        "",
        f"- users: {playbook.at_risk.users}",
        f"- safety: {playbook.at_risk.safety}",
        f"- business: {playbook.at_risk.business}",
        "",
        f"Steps: {', '.join(step.name for step in playbook.steps)}",
    )
    return "\n".join(lines)


def listed(run: WorkflowExecution) -> ListedIncident:
    """Return a run as a line of the list."""
    found = run.typed_search_attributes
    return ListedIncident(
        incident=run.id,
        run=run.run_id,
        playbook=found.get(search_attributes.PLAYBOOK) or "",
        severity=found.get(search_attributes.SEVERITY) or "",
        phase=found.get(search_attributes.PHASE) or "",
        outcome=found.get(search_attributes.OUTCOME) or "",
        status=run.status.name.lower() if run.status else "",
        opened_at=run.start_time,
        closed_at=run.close_time,
    )
