"""What is done about the release, and who authorises it: the revert, or a milder answer in its place."""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow

from backout.exposure import StagedPlan
from backout.mandate import Mandate
from backout.model import digest_of, format_duration
from backout.people import Action
from backout.steps import RevertStep
from backout.view import Ask
from workflows.achieved import Stopped, TimedOut
from workflows.announcing import announced
from workflows.authorising import authorised
from workflows.desk import Desk

NAMES_ITS_STEP = "a-plan-names-its-step-and-its-mandate"
"""An approval of one step once was one of every step that planned the same."""


async def chosen(desk: Desk, step: RevertStep, until: datetime) -> StagedPlan | Stopped | TimedOut:
    """Return the plan that may run, once it may; else what came instead."""
    plan = _plan(desk, step)
    return await _authority(desk, plan, until) or plan


def _plan(desk: Desk, step: RevertStep) -> StagedPlan:
    mandate = desk.mandate()
    plan = StagedPlan(
        incident=desk.opening.incident,
        target=step.parts[0].target,
        service=desk.opening.service,
        release=desk.opening.release,
        stages=step.stages,
        soak=step.soak,
        because=mandate.because,
        targets=step.targets,
        mixed_for=step.mixed_for,
        on_target_failure=step.on_target_failure,
        capacity=step.capacity,
        conversations=step.conversations,
    )
    if workflow.patched(NAMES_ITS_STEP):
        return plan.model_copy(update={"step": step.name, "takes": mandate.authority})
    return plan


async def _authority(desk: Desk, plan: StagedPlan, until: datetime) -> Stopped | TimedOut | None:
    """Return None once the plan may run under the fired rule's authority; else what came instead."""
    mandate = desk.mandate()
    match mandate.authority:
        case "auto":
            if mandate.veto_window is None:
                return None
            return await announced(desk, _question(plan, mandate), mandate.veto_window)
        case "ack":
            return await _ownership(desk, until)
        case "approve":
            until = min(until, workflow.now() + mandate.within) if mandate.within else until
            desk.on_silence = mandate.on_timeout
            ask = _question(plan, mandate).model_copy(update={"until": until})
            refusal = await authorised(desk, ask, until)
            desk.on_silence = desk.on_silence if refusal else None
            return refusal


def _question(plan: StagedPlan, mandate: Mandate) -> Ask:
    """Return the question whether the plan may run."""
    stages = " -> ".join(f"{stage} %" for stage in plan.stages)
    return Ask(
        what=f"Revert {plan.release} on {plan.target}: {stages}, soak {format_duration(plan.soak)}, "
        f"because of {plan.because}",
        actions=(Action.APPROVE, Action.REJECT),
        subject=digest_of(plan),
        quorum=mandate.quorum,
        roles=mandate.roles,
        roles_needed=mandate.roles_needed,
        must=mandate.must,
        required=mandate.required,
    )


async def _ownership(desk: Desk, until: datetime) -> TimedOut | None:
    question = Ask(
        what="Acknowledge, so that the revert can begin",
        actions=(Action.ACKNOWLEDGE,),
        roles=desk.holders(Action.ACKNOWLEDGE),
        until=until,
    )
    if await desk.ask("acknowledge", question, lambda: bool(desk.owner()), until=until):
        return None
    return TimedOut(missing="nobody acknowledged, and the rule wants an owner before the revert")
