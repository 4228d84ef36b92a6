"""Keep the record: the timeline in the store, the news in the responders' channel, the postmortem."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from temporalio import activity

from activities.failures import told_to_temporal
from activities.in_time import InTime
from activities.telling import Telling
from backout import postmortem, rendering
from backout.errors import BackoutError, MessageGone, UnknownName
from backout.messages import DocumentRef
from backout.people import Person
from backout.ports import Channel, Store
from backout.requests import Published, PublishTimeline, WritePostmortem


class RecordActivities:
    """The store of the site, and the channels that follow an incident."""

    def __init__(
        self,
        *,
        store: Store,
        channels: Mapping[str, Channel],
        directory: Mapping[str, Person],
        templates: Mapping[str, str],
        history: str,
    ) -> None:
        """Keep records in this store; `history` is where incidents are in Temporal's UI."""
        self._store = store
        self._channels = channels
        self._templates = templates
        self._telling = Telling(templates=templates, directory=directory, history=history)

    @activity.defn
    async def publish_timeline(self, request: PublishTimeline) -> Published:
        """Keep the events first; then tell them. A channel that is down is reported, and loses no record."""
        in_time = InTime()
        with told_to_temporal():
            await self._store.save(summary=request.brief.summary, events=request.events)
        top = request.top
        try:
            async with in_time.hear_of(f"channel {request.channel}"):
                top = await self._tell_top(request)
                await self._tell_news(request, top)
        except BackoutError as error:
            return Published(top=top, told=False, error=str(error))
        return Published(top=top, told=True)

    @activity.defn
    async def write_postmortem(self, request: WritePostmortem) -> DocumentRef:
        """Render the postmortem from the incident's own record and store it."""
        with told_to_temporal():
            text = rendering.render(
                f"postmortem/{request.template}.md.j2",
                templates=self._templates,
                facts=postmortem.facts(request.view),
                view=request.view,
                incident=request.view.summary,
                outcome=request.outcome.value,
                written_at=request.written_at,
                due=request.due,
            )
            summary = request.view.summary
            name = f"postmortem-{summary.opened_at:%Y%m%dT%H%M%SZ}.md"
            return await self._store.put_document(incident=summary.incident, name=name, text=text)

    async def _tell_top(self, request: PublishTimeline) -> str:
        """Post the incident's top message, or bring it up to date; one that was deleted is posted anew."""
        brief, channel = request.brief, self._channel(request.channel)
        key = f"{brief.summary.incident}@{brief.summary.run}/top"
        message = self._telling.message("slack/incident.md.j2", brief, key=key)
        if request.top is not None:
            with suppress(MessageGone):
                await channel.update(ref=request.top, message=message)
                return request.top
        again = message.again or request.again
        return (await channel.post(message=message.model_copy(update={"again": again}), people=())).ref

    async def _tell_news(self, request: PublishTimeline, top: str) -> None:
        brief, events = request.brief, request.events
        lines = "\n".join(
            f"{rendering.moment(event.at, '{time_secs}')} {rendering.escape_mrkdwn(event.line)}"
            for event in events
        )
        # The same events are one message, whichever activity tells them.
        numbers = f"{events[0].seq}-{events[-1].seq}" if events else ""
        key = f"{brief.summary.incident}@{brief.summary.run}/news/{numbers}"
        message = self._telling.about(brief, title="", text=lines, key=key, thread=top)
        again = message.again or request.again
        await self._channel(request.channel).post(
            message=message.model_copy(update={"again": again}), people=()
        )

    def _channel(self, name: str) -> Channel:
        if name not in self._channels:
            raise UnknownName(kind="channel", name=name, known=self._channels)
        return self._channels[name]
