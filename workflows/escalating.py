"""Page people up an escalation policy until one of them acknowledges."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from backout.escalation import Ladder
from backout.steps import EscalateStep
from workflows import climbing, options, repaging
from workflows.achieved import Achieved, Done, TimedOut
from workflows.desk import Desk


async def escalate(desk: Desk, step: EscalateStep, until: datetime) -> Achieved:
    """Page until somebody owns the incident. With automatic authority the revert does not wait for that."""
    repaging.begin(desk, step.policy)
    if desk.owner():
        return Done(result=f"{desk.owner()} owns the incident")
    waits = desk.mandate().authority != "auto"
    # A ladder that a hold has interrupted goes on.
    if desk.case.ladder is None:
        ladder = Ladder(policy=step.policy, level=1, until=until, step=step.name if waits else "")
        climbing.begin(desk, ladder, after=timedelta(0) if waits else options.GATHER)
    if not waits:
        return Done(result="paging goes on while the revert runs: the rule has automatic authority")
    desk.on_silence = desk.playbook.escalation[step.policy].unanswered
    if desk.ladder is not None:
        await asyncio.shield(desk.ladder)
    if not desk.owner():
        return TimedOut(missing="nobody acknowledged")
    return Done(result=f"{desk.owner()} owns the incident")


def go_on(desk: Desk) -> None:
    """Go on in a fresh history: climb where the ladder stands, and watch over whoever owns the incident."""
    if desk.case.ladder is not None:
        climbing.go_on(desk)
    taken = desk.playbook.steps[: desk.case.position + 1]
    policies = [step.policy for step in taken if isinstance(step, EscalateStep)]
    if policies:
        repaging.begin(desk, policies[-1])
