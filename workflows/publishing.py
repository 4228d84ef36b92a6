"""Publishing: the timeline goes into the store and the news to the responders, beside the steps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.records import RecordActivities
from backout.case import Case, OpenIncident
from backout.requests import PublishTimeline
from backout.timeline import Event
from workflows import options
from workflows.doing import do
from workflows.failures import reason
from workflows.pagers import Pagers
from workflows.waiting import answer

SAME_NEWS = "the-same-news-again"
"""What could not be told is told again as it was, so that it can be found where it is there already."""


class Publisher:
    """Keeps the outside informed of one incident. What cannot be told is told later; nothing waits for it."""

    def __init__(self, opening: OpenIncident, case: Case, write: Callable[[Event], None]) -> None:
        """Publish this case; `write` writes on its timeline."""
        self._opening = opening
        self._case = case
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._pagers = Pagers(case, write)
        self._tried: tuple[Event, ...] = ()
        """Events that could not be told: the very same are told again, as they may be there already."""

    def begin(self) -> None:
        """Keep the timeline and tell the news as they come, until the last word."""
        if self._task is None:  # an incident that goes on before it closed has one at work
            self._task = asyncio.create_task(self._publish())

    async def last_word(self) -> None:
        """Keep and tell the last news; what cannot be told within the time stays in Temporal's history."""
        task = self._task
        if task is None:
            return
        self._closing = True
        until = workflow.now() + options.LAST_WORD
        if not await answer(task.done, until=until, summary="the last news are kept and told"):
            task.cancel()
        if not self._pagers.are_told():
            await answer(self._pagers.are_told, until=until, summary="those who were paged are told")
        self._task, self._closing = None, False

    async def _publish(self) -> None:
        pause = options.UNTOLD_PAUSE
        while await self._news():
            if await self._told():
                pause = options.UNTOLD_PAUSE
                continue
            await workflow.sleep(pause, summary="the news could not be told; trying again")
            pause = min(pause * 2, options.LONGEST_UNTOLD_PAUSE)

    async def _news(self) -> bool:
        """Wait for news; say whether there are any, or the incident is over."""
        await workflow.wait_condition(lambda: self._untold() > 0 or self._closing)
        gathered = workflow.now() + options.GATHER
        await answer(lambda: self._closing, until=gathered, summary="gathers news")
        return self._untold() > 0

    def _untold(self) -> int:
        return len(self._case.timeline) - self._case.published

    async def _told(self) -> bool:
        first = self._case.published
        events = tuple(self._case.timeline[first : first + options.MOST_NEWS])
        if again := bool(self._tried) and workflow.patched(SAME_NEWS):
            events = self._tried
        brief = self._case.brief(self._opening)
        self._pagers.heed(brief)
        try:
            published = await do(
                RecordActivities.publish_timeline,
                PublishTimeline(
                    events=events,
                    brief=brief,
                    channel=self._opening.playbook.channel,
                    top=self._case.top,
                    again=again,
                ),
                options.PUBLISH,
                summary=f"keep and tell events {first + 1} to {first + len(events)}",
            )
        except ActivityError as failure:
            workflow.logger.warning("events from %s on are not kept yet: %s", first + 1, reason(failure))
            self._tried, self._case.untold = events, reason(failure)
            return False
        self._case.top, self._case.untold = published.top, published.error
        self._tried = () if published.told else events
        if published.told:
            self._case.published = first + len(events)
        return published.told
