"""Which release answers? The service itself is asked, on every path to it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from activities.serving import ServingActivities
from backout.exposure import StagedPlan
from backout.release_sets import Conversations
from backout.serving import AskServed, OpenSessions, SeeTo, pause
from backout.serving_verdicts import Finding, Served, Verdict, first_of
from backout.steps import RevertStep, ServedStep
from backout.timeline_exposure import ExposureSet
from backout.timeline_served import ServedChecked, SessionsBegun
from workflows import options
from workflows.achieved import Achieved, Done
from workflows.desk import Desk
from workflows.doing import do
from workflows.failures import reason


async def begin(desk: Desk, plan: StagedPlan) -> None:
    """See that conversations can be seen to, and begin some of our own, before anything is changed.

    Raises:
        ActivityError: no target of the plan can do what the playbook wants of conversations.
    """
    if plan.conversations is not None and not desk.case.emergency:
        await do(
            ServingActivities.see_to_conversations,
            SeeTo(targets=tuple(part.target for part in plan.parts), conversations=plan.conversations),
            options.SEE_TO_CONVERSATIONS,
            summary=f"which target lets conversations {plan.conversations.value}?",
        )
    probes = [step.probes for step in desk.playbook.steps if isinstance(step, ServedStep)]
    if probes and not desk.case.sessions:
        await _open_sessions(desk, tuple(dict.fromkeys(name for names in probes for name in names)))


async def _open_sessions(desk: Desk, probes: tuple[str, ...]) -> None:
    """Begin conversations that a served step goes on with; without them the revert goes on all the same."""
    request = OpenSessions(probes=probes, service=desk.opening.service, key=_key(desk))
    try:
        opened = await do(
            ServingActivities.open_sessions,
            request,
            options.OPEN_SESSIONS,
            summary="begin sessions that the revert must not leave behind",
        )
    except ActivityError as failure:
        desk.write(SessionsBegun(at=workflow.now(), problems=(reason(failure),)))
        return
    desk.case.sessions = opened.sessions
    if opened.sessions or opened.problems:
        counts = Counter(session.release for session in opened.sessions)
        desk.write(SessionsBegun(at=workflow.now(), releases=dict(counts), problems=opened.problems))


async def served(desk: Desk, step: ServedStep) -> Achieved:
    """See that only the baseline answers, on every probe, once clients have caught up."""
    if desk.case.chosen:
        return Done(result=f"not asked: {desk.case.chosen} was chosen, which leaves the candidate to users")
    if desk.case.came_back:
        return Done(result="not asked: exposure was brought back, which leaves the candidate to users")
    if desk.case.stayed:
        return Done(
            result="not asked: exposure was left where users recovered, so the candidate still answers"
        )
    lag = _left(desk, step)
    request = AskServed(
        probes=step.probes,
        service=desk.opening.service,
        candidate=desk.opening.release,
        baseline=desk.baseline,
        lag_s=lag.total_seconds(),
        pause_s=pause(step.lag).total_seconds(),
        conversations=_policy(desk),
        sessions=desk.case.sessions,
        key=_key(desk),
    )
    found: Served = await do(
        ServingActivities.ask_served,
        request,
        options.ask_served(lag, timedelta(seconds=request.pause_s)),
        summary=f"who answers? {', '.join(step.probes)}",
    )
    for finding in found.findings:
        desk.write(_checked(desk, finding))
    if wrong := [one for one in found.findings if one.verdict is not Verdict.CLEAN]:
        # The timeline has an event for each probe, with what is wrong there.
        told = first_of(f"probe {one.probe}, {one.verdict.value}: {one.why}" for one in wrong)
        msg = f"the service is not proven to be back: {'; '.join(told)}"
        raise ApplicationError(msg, type="ServedWrong")
    answered = sorted({one.seen[-1].release for one in found.findings})
    count = "1 probe was" if len(found.findings) == 1 else f"{len(found.findings)} probes were"
    return Done(result=f"{count} answered by {' and '.join(answered)} alone after the lag")


def _left(desk: Desk, step: ServedStep) -> timedelta:
    """Return what is left of the client lag, which began when exposure was last set."""
    begun = [one.at for one in desk.case.timeline if isinstance(one, ExposureSet)][-1:] or [workflow.now()]
    return max(begun[0] + step.lag - workflow.now(), timedelta())


def _policy(desk: Desk) -> Conversations | None:
    return next((one.conversations for one in desk.playbook.steps if isinstance(one, RevertStep)), None)


def _key(desk: Desk) -> str:
    """Return what our sessions are called by: the same in every step of the incident."""
    return f"{desk.opening.incident}@{desk.case.run}"


def _checked(desk: Desk, finding: Finding) -> ServedChecked:
    return ServedChecked(
        at=workflow.now(),
        probe=finding.probe,
        path=finding.path,
        verdict=finding.verdict,
        candidate=desk.opening.release,
        asked=finding.asked,
        seen=finding.seen,
        why=finding.why,
        kept=finding.kept,
    )
