"""Tell each audience what the playbook says, by when it says, beside the steps and whatever holds them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.people import PeopleActivities
from backout.authority import named
from backout.communications import Communication, Owed
from backout.model import Frozen, digest_of
from backout.notices import facts, is_over, occurred, stage_of
from backout.people import Action
from backout.requests import DraftNotice, Notice, SendNotice
from backout.timeline import MessageFailed, MessageSent
from backout.timeline_notices import NoticeDropped, NoticeOverdue
from backout.upcoming import KIND
from backout.view import Ask
from workflows import options
from workflows.achieved import Stopped
from workflows.authorising import authorised
from workflows.desk import Desk
from workflows.doing import do
from workflows.failures import reason
from workflows.waiting import answer, heed

MOST_NOTICES = 400
"""Notices of one incident: hourly ones for more than two weeks. Its record must fit into one message."""


def begin(desk: Desk) -> None:
    """Begin, or go on in a fresh history, to tell each audience of the playbook."""
    for communication in desk.playbook.communications:
        teller = Teller(desk, communication)
        desk.in_background(teller.tell())
        desk.in_background(teller.mind())


async def last_words(desk: Desk) -> None:
    """At the end of the incident, wait until what is still owed is sent or overdue, or an alert begins."""
    case, told = desk.case, desk.playbook.communications
    if not told:
        return
    if case.ending is None:
        case.settle(desk.final_outcome())
    await answer(
        lambda: case.overtaken or all(owed.done or owed.overdue for owed in case.owed.values()),
        until=workflow.now() + max(one.within for one in told),
        summary="the last notices are sent",
    )


def give_up(desk: Desk) -> None:
    """Say what is not sent any more, once the incident is over."""
    for one in desk.playbook.communications:
        Teller(desk, one).give_up()


class Teller:
    """Tells one audience. Where it stands is in the case, so that a fresh history goes on there."""

    def __init__(self, desk: Desk, communication: Communication) -> None:
        """Tell what this communication says."""
        self._desk = desk
        self._what = communication
        self._trouble = ""
        """Why the notice that is owed could not be drafted or sent."""
        self._reminders = 0

    @property
    def _owed(self) -> Owed:
        return self._desk.case.owed[self._what.id]

    def _owe(self, owed: Owed) -> None:
        self._desk.case.owed[self._what.id] = owed
        self._desk.show()

    async def tell(self) -> None:
        """Have one notice after the other drafted, approved where that is wanted, and sent."""
        what, case = self._what, self._desk.case
        if what.id not in case.owed:
            heed()
            await workflow.wait_condition(lambda: occurred(what.after, case) or is_over(what, case))
            if not occurred(what.after, case):
                return
            self._owe(what.begun(workflow.now()))
            # The steps do what is more urgent first.
            await workflow.sleep(options.GATHER, summary=f"before {what.audience} are told")
        while self._goes_on():
            drafted_at = what.drafted_at(self._owed)
            if workflow.now() < drafted_at:
                summary = f"before the next notice to {what.audience} is drafted"
                await answer(self._turned(), until=drafted_at, summary=summary)
            else:
                await self._next()

    async def mind(self) -> None:
        """Call the owner when a notice is overdue, once for each."""
        case, key = self._desk.case, self._what.id
        while True:
            heed()
            await workflow.wait_condition(lambda: key in case.owed and not _is_settled(case.owed[key]))
            due = self._owed.due
            summary = f"{self._what.audience}: the notice is due"
            if not await answer(self._moved(due), until=due, summary=summary):
                self._say_overdue()

    def _moved(self, due: datetime) -> Callable[[], bool]:
        return lambda: self._owed.due != due or _is_settled(self._owed)

    def _goes_on(self) -> bool:
        """Take in how far the incident is, and say whether anything is owed."""
        what, owed, case = self._what, self._owed, self._desk.case
        if owed.done or not is_over(what, case):
            return not owed.done and self._has_room()
        if what.until != "closed":
            self._finish()
        elif not owed.last:
            self._owe(what.last_word(owed, workflow.now()))
        return not self._owed.done

    def _has_room(self) -> bool:
        """Say whether the incident may have another notice; where not, it says so and calls the owner."""
        if sum(owed.number for owed in self._desk.case.owed.values()) <= MOST_NOTICES:
            return True
        why = f"this incident had {MOST_NOTICES} notices; people must tell {self._what.audience} by hand"
        self._drop(why)
        self._finish()
        self._desk.page((self._what.owner,), why)
        return False

    def _finish(self) -> None:
        self._owe(self._owed.model_copy(update={"done": True}))

    def give_up(self) -> None:
        """Say what is not sent any more because the incident is over."""
        owed = self._desk.case.owed.get(self._what.id)
        if owed and not owed.done:
            self._drop("the incident is over")
            self._finish()

    async def _next(self) -> None:
        """Have the notice that is owed sent; where people let it pass, the next one takes its place."""
        owed, what = self._owed, self._what
        is_followed = what.every is not None and not owed.last
        if not is_followed:
            # No next one takes its place: silence is asked again, with fresh facts.
            pause = options.reminder(self._desk.playbook.remind, self._reminders)
            until, self._reminders = max(owed.due, workflow.now()) + pause, self._reminders + 1
        else:
            until = what.drafted_at(what.following(owed, owed.due, sent=False))
        await self._deliver(owed, until)
        if self._owed.due == owed.due and not self._owed.done and workflow.now() >= until:
            self._say_overdue()
            if is_followed:
                self._follow(sent=False)

    async def _deliver(self, owed: Owed, until: datetime) -> None:
        """Draft the notice, have it approved and send it, unless the incident goes on meanwhile."""
        turned = self._turned()
        try:
            notice = await self._drafted(owed)
        except ActivityError as failure:
            await self._failed(failure, owed, turned, until)
            return
        if self._what.needs_approval and not await self._approved(notice, owed, until, turned):
            return
        while not turned():
            try:
                await self._desk.once(
                    f"{KIND}{self._what.id}/{owed.due.isoformat()}",
                    lambda: self._send(notice, owed, again=self._owed.tried),
                )
            except ActivityError as failure:
                self._owe(self._owed.model_copy(update={"tried": True}))
                await self._failed(failure, owed, turned, min(until, workflow.now() + options.UNSENT_PAUSE))
            else:
                return
            if workflow.now() >= until:
                return

    def _turned(self) -> Callable[[], bool]:
        """Return what says whether the incident has gone on since: what was drafted is not so any more."""
        case = self._desk.case

        def standing() -> tuple[str, bool]:
            return stage_of(case), case.ending is not None

        mark = standing()
        return lambda: standing() != mark

    async def _drafted(self, owed: Owed) -> Notice:
        what, desk = self._what, self._desk
        known = facts(desk.case, desk.opening, now=workflow.now(), communication=what, owed=owed)
        return await do(
            PeopleActivities.draft_notice,
            DraftNotice(template=what.template, audience=what.audience, facts=known),
            options.DRAFT_NOTICE,
            summary=f"draft {what.template} for {what.audience}, due {owed.due:%H:%M:%S} UTC",
        )

    async def _approved(
        self, notice: Notice, owed: Owed, until: datetime, turned: Callable[[], bool]
    ) -> bool:
        """Ask for the approval of a draft; say whether it was given."""
        what, desk = self._what, self._desk
        ask = Ask(
            what=f"Send to {notice.audience}: {notice.title}\n{notice.text}",
            actions=(Action.APPROVE, Action.REJECT),
            subject=digest_of(Draft(communication=what.id, due=owed.due, notice=notice)),
            quorum=what.quorum,
            roles=named(what.approve_by, what.required, desk.playbook),
            required=what.required,
            if_rejected=f"it is not sent, and {what.owner} is called",
            until=owed.due,
        )
        refusal = await authorised(desk, ask, until, kind=f"{KIND}{what.id}", given_up=turned)
        match refusal:
            case None:
                return True
            case Stopped(why=why):
                del desk.case.rejections[ask.subject]
                self._drop(why)
                desk.page((what.owner,), f"the notice to {what.audience} was {why}")
                self._follow(sent=False)
            case _ if turned():
                self._drop(f"the incident went on before it was approved; it is {stage_of(desk.case)} now")
            case _:
                self._drop("it was not approved before a new draft took its place")
        return False

    async def _send(self, notice: Notice, owed: Owed, *, again: bool) -> None:
        what, desk = self._what, self._desk
        key = f"{desk.opening.incident}@{desk.case.run}/{what.id}/{owed.due:%Y%m%dT%H%M%S.%fZ}"
        await do(
            PeopleActivities.send_notice,
            SendNotice(
                channel=what.channel, notice=notice, incident=desk.opening.incident, key=key, again=again
            ),
            options.SEND_NOTICE,
            summary=f"send {notice.title} to {what.audience}",
        )
        self._follow(sent=True)
        desk.write(
            MessageSent(
                at=workflow.now(),
                audience=what.audience,
                channel=what.channel,
                text=f"{notice.title}\n{notice.text}",
                communication=what.id,
                due=owed.due,
            )
        )

    def _follow(self, *, sent: bool) -> None:
        self._trouble = ""
        self._owe(self._what.following(self._owed, workflow.now(), sent=sent))

    async def _failed(
        self, failure: ActivityError, owed: Owed, turned: Callable[[], bool], until: datetime
    ) -> None:
        """Name why the notice cannot be drafted or sent, once, and wait before it is tried again."""
        what = self._what
        if not self._trouble:
            self._desk.write(
                MessageFailed(
                    at=workflow.now(), audience=what.audience, channel=what.channel, error=reason(failure)
                )
            )
        self._trouble = reason(failure)
        summary = f"{what.audience} could not be told; due {owed.due:%H:%M:%S} UTC; trying again"
        await answer(turned, until=until, summary=summary)

    def _say_overdue(self) -> None:
        what, owed = self._what, self._owed
        if _is_settled(owed):
            return
        self._owe(owed.model_copy(update={"overdue": True}))
        why = self._trouble or ("its draft is not approved" if what.needs_approval else "it is under way")
        self._desk.write(
            NoticeOverdue(
                at=workflow.now(),
                communication=what.id,
                audience=what.audience,
                due=owed.due,
                owner=what.owner,
                why=why,
            )
        )
        self._desk.page((what.owner,), f"the notice to {what.audience} is overdue: {why}")

    def _drop(self, why: str) -> None:
        what = self._what
        self._desk.write(
            NoticeDropped(
                at=workflow.now(),
                communication=what.id,
                audience=what.audience,
                due=self._owed.due,
                why=why,
            )
        )


class Draft(Frozen):
    """What an approval is bound to: these words, for this due time."""

    communication: str
    due: datetime
    notice: Notice


def _is_settled(owed: Owed) -> bool:
    """Say whether nobody need be called any more when the notice is due."""
    return owed.done or owed.overdue
