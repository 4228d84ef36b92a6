"""Tell and page people through the site's channels."""

from __future__ import annotations

from collections.abc import Mapping

from temporalio import activity

from activities.calling import Callers
from activities.failures import told_to_temporal
from activities.in_time import InTime
from activities.places import is_again, place
from activities.telling import Telling
from backout.errors import UnknownName
from backout.messages import Message
from backout.notice_text import drafted
from backout.people import Person
from backout.ports import Channel, OnCall
from backout.requests import DraftNotice, Notice, Paged, PagePeople, SendNotice, Sent, TellPaged
from backout.rotas import Calendar


class PeopleActivities:
    """The channels of the site, the people in its directory, and who of them is on call when."""

    def __init__(
        self,
        *,
        channels: Mapping[str, Channel],
        directory: Mapping[str, Person],
        templates: Mapping[str, str],
        history: str,
        rotas: Mapping[str, OnCall] | None = None,
        calendars: Mapping[str, Calendar] | None = None,
    ) -> None:
        """Serve these channels, by name; `history` is where incidents are in Temporal's UI."""
        self._callers = Callers(
            directory=directory,
            rotas={} if rotas is None else rotas,
            calendars={} if calendars is None else calendars,
        )
        self._channels = channels
        self._directory = directory
        self._templates = templates
        self._telling = Telling(templates=templates, directory=directory, history=history)

    @activity.defn
    async def page_people(self, request: PagePeople) -> Paged:
        """Call whom the request names, as of its moment: roles, and levels of escalation policies.

        Nobody to call is an error, never a quiet success; only a level may be for nobody, and says why.
        """
        in_time = InTime()
        with told_to_temporal():
            called = await self._callers.called(request)
            if called.passed_over:
                return Paged(people=(), ref="", passed_over=called.passed_over)
            message = self._telling.message(
                "slack/page.md.j2", request.brief, key=place(), thread=request.thread, why=request.why
            ).model_copy(update={"mentions": called.people})
            people = [self._directory[key] for key in called.people]
            channel = self._channel(request.channel)
            async with in_time.hear_of(f"channel {request.channel}"):
                posted = await channel.post(message=message, people=people)
            names = tuple(person.name for person in people)
            return Paged(people=names, ref=posted.ref, unreached=(*called.unreached, *posted.unreached))

    @activity.defn
    async def tell_paged(self, request: TellPaged) -> None:
        """Tell those who were paged by another channel who owns the incident now, or that it is closed."""
        with told_to_temporal():
            message = self._telling.message("slack/paged.md.j2", request.brief, key=place())
            for ref in request.refs:
                await self._channel(request.channel).update(ref=ref, message=message)

    @activity.defn
    async def draft_notice(self, request: DraftNotice) -> Notice:
        """Render a notice from the incident's facts."""
        with told_to_temporal():
            return drafted(request, self._templates)

    @activity.defn
    async def send_notice(self, request: SendNotice) -> Sent:
        """Post a notice to its audience's channel."""
        in_time = InTime()
        with told_to_temporal():
            message = Message(
                title=request.notice.title,
                text=request.notice.text,
                key=request.key or place(),
                again=request.again or is_again(),
            )
            channel = self._channel(request.channel)
            async with in_time.hear_of(f"channel {request.channel}"):
                posted = await channel.post(message=message, people=())
            return Sent(ref=posted.ref, link=posted.link)

    def _channel(self, name: str) -> Channel:
        if name not in self._channels:
            raise UnknownName(kind="channel", name=name, known=self._channels)
        return self._channels[name]
