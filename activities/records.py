"""Keep the record: the timeline in the store, the news in the responders' channel, the postmortem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from temporalio import activity

from activities.failures import told_to_temporal
from activities.people import open_actions, open_code
from activities.places import place
from backout import postmortem, rendering
from backout.errors import BackoutError, UnknownName
from backout.messages import DocumentRef, Message
from backout.ports import Channel, Store
from backout.requests import Published, PublishTimeline, WritePostmortem
from backout.timeline import Event
from backout.view import Briefing


class RecordActivities:
    """The store of the site, and the channels that follow an incident."""

    def __init__(
        self, *, store: Store, channels: Mapping[str, Channel], templates: Mapping[str, str], history: str
    ) -> None:
        """Keep records in this store; `history` is where incidents are in Temporal's UI."""
        self._store = store
        self._channels = channels
        self._templates = templates
        self._history = history

    @activity.defn
    async def publish_timeline(self, request: PublishTimeline) -> Published:
        """Keep the events first; then tell them. A channel that is down is reported, and loses no record."""
        with told_to_temporal():
            await self._store.save(summary=request.brief.summary, events=request.events)
        top = request.top
        try:
            top = await self._tell_top(request.channel, request.brief, top)
            await self._tell_news(request.channel, request.brief, top, request.events)
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

    async def _tell_top(self, channel: str, brief: Briefing, top: str | None) -> str:
        """Post the incident's top message, or bring it up to date."""
        text = rendering.render(
            "slack/incident.md.j2", templates=self._templates, brief=brief, history=self._history
        )
        title, body = rendering.title_and_text(text)
        message = Message(
            title=title,
            text=body,
            actions=open_actions(brief),
            code=open_code(brief),
            incident=brief.summary.incident,
            state=brief.state,
            severity=brief.summary.severity,
            key=place(),
        )
        if top is None:
            return (await self._channel(channel).post(message=message, people=())).ref
        await self._channel(channel).update(ref=top, message=message)
        return top

    async def _tell_news(self, channel: str, brief: Briefing, top: str, events: Sequence[Event]) -> None:
        lines = "\n".join(f"{event.at:%H:%M:%S} {rendering.escape_mrkdwn(event.line)}" for event in events)
        message = Message(
            title="",
            text=lines,
            incident=brief.summary.incident,
            thread=top,
            state=brief.state,
            severity=brief.summary.severity,
            key=place(),
        )
        await self._channel(channel).post(message=message, people=())

    def _channel(self, name: str) -> Channel:
        if name not in self._channels:
            raise UnknownName(kind="channel", name=name, known=self._channels)
        return self._channels[name]
