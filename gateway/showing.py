"""What the engine's lists show of incidents and of watches."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from temporalio.client import WorkflowExecution, WorkflowExecutionStatus

from backout.addressing import ListedIncident
from backout.guard import Place
from backout.guard_release import ListedWatch
from workflows import search_attributes

RUNNING = WorkflowExecutionStatus.RUNNING.name.lower()
GONE_ON = WorkflowExecutionStatus.CONTINUED_AS_NEW.name.lower()
BEHIND = timedelta(minutes=2)
"""How far the engine's lists may be behind the engine at most."""


def whose_status(*, open_only: bool, now: datetime) -> str:
    """Return the condition on the runs that are asked for.

    A long incident goes on in a fresh history, which the list may show later than the end of the one before:
    those that ended so just now are asked for too, or an open incident would be missed for a moment.
    """
    status = "ExecutionStatus = 'Running'" if open_only else "ExecutionStatus != 'ContinuedAsNew'"
    just_now = f"CloseTime > '{(now - BEHIND).isoformat()}'"
    return f"({status} OR (ExecutionStatus = 'ContinuedAsNew' AND {just_now}))"


def told_apart(runs: Iterable[ListedIncident]) -> tuple[tuple[ListedIncident, ...], tuple[str, ...]]:
    """Return the lines that stand, and the ids of which a history ended just now and no other runs.

    The list may also show a fresh history before the end of the one before: the newest one stands.
    """
    lines = tuple(runs)
    newest: dict[str, ListedIncident] = {}
    for one in lines:
        if one.status == RUNNING:
            newest[one.incident] = max(newest.get(one.incident, one), one, key=lambda run: run.opened_at)
    stand = (one for one in lines if one.status not in {RUNNING, GONE_ON} or one is newest.get(one.incident))
    ended = (one.incident for one in lines if one.status == GONE_ON and one.incident not in newest)
    return tuple(stand), tuple(dict.fromkeys(ended))


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
