"""Page people, beside the steps: a slow channel delays nobody who answers, and none keeps the others back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.people import PeopleActivities
from backout.case import Case, OpenIncident
from backout.escalation import Level
from backout.requests import Paged, PagePeople
from backout.timeline import Event, MessageFailed, PeoplePaged
from backout.timeline_paging import LevelPassedOver
from workflows import options
from workflows.doing import SUMMARY_LENGTH, do
from workflows.failures import reason


@dataclass(frozen=True)
class Page:
    """Whom to call, and why."""

    why: str
    roles: tuple[str, ...] = ()
    """Everybody who fills one is called, whatever the hour."""
    levels: tuple[Level, ...] = ()
    """Levels of escalation policies; whom they call is found out at that moment."""
    policy: str = ""
    """The escalation policy that is climbed; empty beside any."""
    level: int = 1
    round: int = 1

    @property
    def audience(self) -> tuple[str, ...]:
        """Whom it is for, in words."""
        named = (one for level in self.levels for one in (*level.page, *level.people))
        rotas = (f"rota {rota}" for level in self.levels for rota in level.rotas)
        return tuple(dict.fromkeys((*self.roles, *named, *rotas)))


@dataclass
class Call:
    """A page under way: what came of it so far."""

    open: int
    """So many channels have not answered."""
    for_somebody: bool = False
    """Somebody was called, or that failed."""
    why_not: str = ""

    @property
    def for_nobody(self) -> bool:
        """Whether there is nobody to wait for: it was passed over on every channel."""
        return not self.open and not self.for_somebody


class Paging:
    """Calls people about one incident. A page that cannot be sent is on the timeline; it stops nothing."""

    def __init__(self, opening: OpenIncident, case: Case, write: Callable[[Event], None]) -> None:
        """Page about this case; `write` writes on its timeline."""
        self._opening = opening
        self._case = case
        self._write = write
        self._under_way: list[asyncio.Task[None]] = []

    @property
    def under_way(self) -> tuple[asyncio.Task[None], ...]:
        """The pages that have not ended."""
        return tuple(self._under_way)

    def begin(self, page: Page) -> Call:
        """Page on every channel at the same time: what fails on one is tried again there alone."""
        self._under_way = [task for task in self._under_way if not task.done()]
        more = dict.fromkeys(channel for level in page.levels for channel in level.via)
        channels = tuple(dict.fromkeys((self._opening.playbook.channel, *more)))
        call = Call(open=len(channels))
        self._under_way += [asyncio.create_task(self._on(channel, page, call)) for channel in channels]
        return call

    async def _on(self, channel: str, page: Page, call: Call) -> None:
        is_own = channel == self._opening.playbook.channel
        try:
            paged = await self._paged(channel, page, is_own=is_own)
        except ActivityError as failure:
            call.for_somebody = True
            audience, error = ", ".join(page.audience), reason(failure)
            self._write(MessageFailed(at=workflow.now(), audience=audience, channel=channel, error=error))
        else:
            self._take_in(paged, page, call, channel="" if is_own else channel)
        call.open -= 1
        if call.for_nobody:
            passed = {"policy": page.policy, "level": page.level, "round": page.round, "why": call.why_not}
            self._write(LevelPassedOver.model_validate({"at": workflow.now(), **passed}))

    async def _paged(self, channel: str, page: Page, *, is_own: bool) -> Paged:
        levels = tuple(level for level in page.levels if is_own or channel in level.via)
        request = PagePeople(
            channel=channel,
            roles=page.roles if is_own else (),
            why=page.why,
            brief=self._case.brief(self._opening),
            # The thread is one of the channel in which the responders work.
            thread=self._case.top if is_own else None,
            levels=levels,
            at=workflow.now() if levels else None,
        )
        how = options.PAGE_BY_ROTA if any(level.rotas for level in levels) else options.PAGE_PEOPLE
        summary = f"page {', '.join(page.audience)}: {page.why}"[:SUMMARY_LENGTH]
        return await do(PeopleActivities.page_people, request, how, summary=summary)

    def _take_in(self, paged: Paged, page: Page, call: Call, *, channel: str) -> None:
        if not paged.people:
            call.why_not = paged.passed_over
            return
        call.for_somebody = True
        self._write(
            PeoplePaged(
                at=workflow.now(),
                level=page.level,
                roles=page.audience,
                people=paged.people,
                why=page.why,
                policy=page.policy,
                round=page.round,
                channel=channel,
                ref=paged.ref if channel else "",
                unreached=paged.unreached,
            )
        )
