"""What the engine's lists show of incidents and of watches."""

from __future__ import annotations

from temporalio.client import WorkflowExecution

from backout.addressing import ListedIncident
from backout.guard import Place
from backout.guard_release import ListedWatch
from workflows import search_attributes


def listed(run: WorkflowExecution) -> ListedIncident:
    """Return an incident's run as a line of the list."""
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


def listed_watch(run: WorkflowExecution) -> ListedWatch:
    """Return a watch's run as a line of the list."""
    found = run.typed_search_attributes
    return ListedWatch(
        watch=run.id,
        place=Place(service=found[search_attributes.SERVICE], release=found[search_attributes.RELEASE]),
        playbook=found[search_attributes.PLAYBOOK],
        state=found[search_attributes.PHASE],
        started_at=run.start_time,
    )
