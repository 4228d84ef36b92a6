"""The incident: one bad release, from alert to postmortem, as one durable workflow."""

from __future__ import annotations

from temporalio import workflow

from backout.alerts import Alert
from backout.people import Act, Receipt
from backout.view import IncidentSummary, IncidentView, OpenIncident

TASK_QUEUE = "backout"


@workflow.defn(name="Incident")
class Incident:
    """One incident on one release."""

    @workflow.init
    def __init__(self, opening: OpenIncident) -> None:
        """Keep the state that handlers may need before `run` starts."""
        self._opening = opening

    @workflow.run
    async def run(self, opening: OpenIncident) -> IncidentSummary:
        """Run the playbook's steps."""
        raise NotImplementedError

    @workflow.signal
    async def alert(self, alert: Alert) -> None:
        """Take in an alert, new or repeated."""

    @workflow.update
    async def act(self, act: Act) -> Receipt:
        """Take in a person's act."""
        raise NotImplementedError

    @workflow.query
    def view(self) -> IncidentView:
        """Return everything about the incident."""
        raise NotImplementedError
