"""How each kind of step is performed: it returns what was achieved, or raises what went wrong."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

from temporalio import workflow

from activities.people import PeopleActivities
from activities.records import RecordActivities
from backout.authority import named
from backout.model import digest_of
from backout.notices import facts
from backout.people import Action
from backout.requests import DraftNotice, Notice, SendNotice, WritePostmortem
from backout.steps import (
    CheckStep,
    DetectStep,
    EscalateStep,
    ManualStep,
    NotifyStep,
    PostmortemStep,
    RevertStep,
    RolloutStep,
    ServedStep,
    Step,
    VerifyStep,
)
from backout.timeline import MessageSent, PostmortemWritten
from backout.view import Ask
from workflows import checking, escalating, options, reverting, rolling_out, serving, watching
from workflows.achieved import Achieved, Done, TimedOut
from workflows.authorising import authorised
from workflows.desk import Desk
from workflows.doing import do


async def perform(desk: Desk, step: Step, until: datetime) -> Achieved:
    """Perform one step within its time window."""
    match step:
        case DetectStep() | VerifyStep():
            return await watching.judge(desk, step)
        case EscalateStep():
            return await escalating.escalate(desk, step, until)
        case RevertStep():
            return await reverting.revert(desk, step, until)
        case RolloutStep():
            return await rolling_out.roll_out(desk, step, until)
        case CheckStep() | ServedStep():
            return await _look(desk, step, until)
        case NotifyStep():
            return await _notify(desk, step, until)
        case ManualStep() | PostmortemStep():
            return await _write(desk, step, until)
        case _:
            assert_never(step)


async def _look(desk: Desk, step: CheckStep | ServedStep, until: datetime) -> Achieved:
    """See whether the world is as it should be."""
    if isinstance(step, ServedStep):
        return await serving.served(desk, step)
    return await checking.check(desk, step, until)


async def _write(desk: Desk, step: ManualStep | PostmortemStep, until: datetime) -> Achieved:
    """Have people, or the engine, do what leaves a record."""
    return await (_manual(desk, step, until) if isinstance(step, ManualStep) else _postmortem(desk, step))


def grace(step: Step) -> timedelta:
    """Return what a step may take beyond its window because it ends by itself and says with which numbers."""
    return options.WATCH_GRACE * 2 if isinstance(step, DetectStep | VerifyStep) else timedelta(0)


async def _notify(desk: Desk, step: NotifyStep, until: datetime) -> Achieved:
    if step.name in desk.case.sent:
        return Done(result=f"{step.audience} were told before")
    notice = await do(
        PeopleActivities.draft_notice,
        DraftNotice(
            template=step.template,
            audience=step.audience,
            facts=facts(desk.case, desk.opening, now=workflow.now()),
        ),
        options.DRAFT_NOTICE,
        summary=f"draft {step.template} for {step.audience}",
    )
    if step.needs_approval:
        ask = Ask(
            what=f"Send to {step.audience}: {notice.title}\n{notice.text}",
            actions=(Action.APPROVE, Action.REJECT),
            subject=digest_of(notice),
            quorum=step.quorum,
            roles=named(step.approve_by, step.required, desk.playbook),
            required=step.required,
            until=until,
        )
        if refusal := await authorised(desk, ask, until):
            return refusal
    await desk.once(f"send/{step.name}", lambda: _send(desk, step, notice))
    return Done(result=f"{step.audience} were told")


async def _send(desk: Desk, step: NotifyStep, notice: Notice) -> None:
    await do(
        PeopleActivities.send_notice,
        SendNotice(channel=step.channel, notice=notice, incident=desk.opening.incident),
        options.SEND_NOTICE,
        summary=f"send {notice.title} to {step.audience}",
    )
    desk.case.sent = (*desk.case.sent, step.name)
    text = f"{notice.title}\n{notice.text}"
    desk.write(MessageSent(at=workflow.now(), audience=step.audience, channel=step.channel, text=text))


async def _manual(desk: Desk, step: ManualStep, until: datetime) -> Achieved:
    def ticked() -> int:
        return len(desk.case.ticks.get(step.name, ()))

    question = Ask(
        what=f"Checklist '{step.name}': do each item and tick it",
        actions=(Action.TICK,),
        subject=step.name,
        roles=desk.playbook.holders(Action.TICK),
        until=until,
        items=step.items,
        ticked=desk.case.ticks.get(step.name, ()),
    )
    desk.page((step.owner,), f"the checklist '{step.name}' is yours: {len(step.items)} items")
    if await desk.ask("tick", question, lambda: ticked() == len(step.items), until=until):
        return Done(result=f"{len(step.items)} items done")
    return TimedOut(missing=f"{ticked()} of {len(step.items)} items are done")


async def _postmortem(desk: Desk, step: PostmortemStep) -> Achieved:
    desk.case.settle(desk.final_outcome())
    due = workflow.now() + step.due
    document = await do(
        RecordActivities.write_postmortem,
        WritePostmortem(
            template=step.template,
            view=desk.case.view(desk.opening),
            outcome=desk.final_outcome(),
            written_at=workflow.now(),
            due=due,
        ),
        options.WRITE_POSTMORTEM,
        summary=f"write the postmortem ({step.template})",
    )
    desk.case.postmortem = document.location
    desk.write(
        PostmortemWritten(at=workflow.now(), location=document.location, digest=document.digest, due=due)
    )
    return Done(result=document.location)
