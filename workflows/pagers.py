"""Pagers: those who were paged by another channel hear who owns the incident, and that it is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.people import PeopleActivities
from backout.case import Case
from backout.messages import State
from backout.requests import TellPaged
from backout.timeline import Event, MessageFailed, PeoplePaged
from backout.view import Briefing
from workflows import options
from workflows.doing import do
from workflows.failures import reason
from workflows.waiting import stop


class Pagers:
    """Brings one incident's pages up to date, beside everything else; nothing waits for it but the end."""

    def __init__(self, case: Case, write: Callable[[Event], None]) -> None:
        """Tell of this case; `write` writes on its timeline."""
        self._case = case
        self._write = write
        self._state: State = "open"
        self._under_way: list[asyncio.Task[None]] = []

    def heed(self, brief: Briefing) -> None:
        """Look how far the incident is, and tell those who were paged where that has changed."""
        if brief.state == self._state:
            return
        self._state = brief.state
        for task in self._under_way:
            # What it tells is not so any more.
            stop(task)
        self._under_way = (
            []
            if brief.state in {"open", "lapsed"}
            else [asyncio.create_task(self._tell(channel, refs, brief)) for channel, refs in self._pages()]
        )

    def are_told(self) -> bool:
        """Say whether nobody is being told any more."""
        return all(task.done() for task in self._under_way)

    def _pages(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return the references of the pages by channel, each once."""
        pages: dict[str, dict[str, None]] = {}
        for event in self._case.timeline:
            if isinstance(event, PeoplePaged) and event.channel and event.ref:
                pages.setdefault(event.channel, {})[event.ref] = None
        return [(channel, tuple(refs)) for channel, refs in pages.items()]

    async def _tell(self, channel: str, refs: tuple[str, ...], brief: Briefing) -> None:
        try:
            await do(
                PeopleActivities.tell_paged,
                TellPaged(channel=channel, refs=refs, brief=brief),
                options.TELL_PAGED,
                summary=f"tell those who were paged by {channel}: {brief.state}",
            )
        except ActivityError as failure:
            self._write(
                MessageFailed(
                    at=workflow.now(), audience="those who were paged", channel=channel, error=reason(failure)
                )
            )
