"""Announce a revert that begins by itself, and leave people the time to hold it."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow

from backout.model import format_duration
from backout.people import Action
from backout.timeline_decisions import RevertAnnounced
from backout.view import Ask
from workflows.achieved import Stopped
from workflows.authorising import offered
from workflows.desk import Desk
from workflows.waiting import answer


async def announced(desk: Desk, ask: Ask, window: timedelta) -> Stopped | None:
    """Return None once the window is over and nobody held the plan, or people approved it before.

    A plan is announced once: when a step is taken again, only what is left of its window is waited for. One
    that was rejected meanwhile is announced anew.
    A hold, and the end of the step's time window, stop this as they stop everything.
    """
    case, subject = desk.case, ask.subject
    if case.rejections.pop(subject, None):
        # Who resumes what was rejected leaves people the time to hold it once more.
        case.announced.pop(subject, None)
    if subject in case.authorised:
        return None
    begins = case.announced.get(subject) or _announce(desk, ask, window)
    if begins > workflow.now():
        with desk.asking("approve", _open(desk, ask, begins)):
            await answer(
                lambda: subject in case.authorised or subject in case.rejections,
                until=begins,
                summary="announced: reverts at the end of the window unless it is held",
            )
    rejected = case.rejections.get(subject)
    return Stopped(why=rejected) if rejected else None


def _announce(desk: Desk, ask: Ask, window: timedelta) -> datetime:
    begins = desk.case.announced[ask.subject] = workflow.now() + window
    desk.write(RevertAnnounced(at=workflow.now(), what=ask.headline, subject=ask.subject, begins=begins))
    desk.page((desk.step.owner,), f"reverting in {format_duration(window)} unless held: {ask.headline}")
    return begins


def _open(desk: Desk, ask: Ask, begins: datetime) -> Ask:
    """Return what people can do meanwhile: hold or reject it, or let it begin at once."""
    what = f"{ask.what}. It begins by itself at {begins:%H:%M:%S} UTC: hold it, or approve it to begin now"
    actions = (Action.HOLD, *ask.actions)
    return offered(desk, ask.model_copy(update={"what": what, "actions": actions, "until": begins}))
