"""A workflow with the incident's messages and none of its steps: what the gateway is tested against."""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from backout.alerts import Alert
from backout.people import NEEDS_REASON, Act, Action, Receipt
from backout.timeline import AlertReceived
from backout.view import Ask, IncidentOutcome, IncidentSummary, IncidentView, Phase
from backout.case import OpenIncident


@workflow.defn(name="Incident")
class TinyIncident:
    @workflow.init
    def __init__(self, opening: OpenIncident) -> None:
        self._opening = opening
        self._alerts: dict[str, Alert] = {}
        self._acts: dict[str, Act] = {}
        self._over = False

    @workflow.run
    async def run(self, opening: OpenIncident) -> IncidentSummary:
        assert opening == self._opening
        await workflow.wait_condition(lambda: self._over and workflow.all_handlers_finished())
        return self._summary()

    @workflow.signal
    async def alert(self, alert: Alert) -> None:
        self._alerts.setdefault(f"{alert.episode}/{alert.status}", alert)

    @workflow.update
    async def act(self, act: Act) -> Receipt:
        self._acts.setdefault(act.id, act)
        if act.action is Action.RETRY:
            await workflow.wait_condition(lambda: False)
        self._over = self._over or act.action in {Action.CLOSE, Action.ABORT}
        item = f" item {act.item}" if act.item else ""
        subject = f" of {act.subject[:10]}" if act.subject else ""
        return Receipt(text=f"{act.actor.name}: {act.action.value}{item}{subject} [{act.reason}]")

    @act.validator
    def _check(self, act: Act) -> None:
        if act.action in NEEDS_REASON and not act.reason:
            msg = f"{act.action.value} needs a reason"
            raise ApplicationError(msg, type="ActionRefused", non_retryable=True)

    @workflow.query
    def view(self) -> IncidentView:
        return IncidentView(
            summary=self._summary(),
            playbook=self._opening.playbook,
            digest=self._opening.digest,
            step="detect",
            step_until=datetime.fromisoformat("2026-01-05T10:00:00+00:00"),
            held="",
            asks=(
                Ask(what="Revert chat <r2>?", actions=(Action.APPROVE, Action.REJECT), quorum=2, approved_by=("bob",)),
            ),
            next_steps=("revert", "postmortem"),
            firing=tuple(self._alerts.values()),
            timeline=tuple(
                AlertReceived(seq=seq, at=alert.starts_at, alert=alert)
                for seq, alert in enumerate(self._alerts.values(), start=1)
            ),
            acknowledged_by=", ".join(act.id for act in self._acts.values()),
        )

    def _summary(self) -> IncidentSummary:
        info = workflow.info()
        return IncidentSummary(
            incident=info.workflow_id,
            run=info.run_id,
            service=self._opening.service,
            release=self._opening.release,
            playbook=self._opening.playbook.playbook,
            severity=self._opening.playbook.severity,
            phase=Phase.CLOSED if self._over else Phase.DETECT,
            outcome=IncidentOutcome.CLOSED if self._over else IncidentOutcome.OPEN,
            opened_at=info.start_time,
            alerts=len(self._alerts),
        )
