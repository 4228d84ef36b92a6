"""A storm of one alert, and one that flaps: one incident, which pages once on each level."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from httpx import Response
from temporalio.client import Client

from adapters.memory import MemoryWorld
from backout.people import Action
from backout.timeline import AlertReceived, PeoplePaged
from backout.timeline_paging import LadderEnded
from backout.view import IncidentView
from tests.gateway.posting import post
from tests.gateway.running import Gateway, eventually, gateway_over
from tests.gateway.senders import SENDERS, Event, Sender
from tests.gateway.world import an_act
from tests.workflows.engine import Engine
from tests.workflows.playbooks import ESCALATE, MANUAL, playbook
from workflows.incident import TASK_QUEUE

INCIDENT = "incident/chat/r2"
SHORT, LONG = "1s", "2m"
"""How long a level waits: so that nobody is left to page soon; so that somebody owns the incident before."""
FLAPS = [10, 20, 30, 40, 50]
"""When the alert fires again, in minutes after nine."""


@dataclass
class Storm:
    """A gateway with a worker, and what people heard."""

    gateway: Gateway
    world: MemoryWorld

    async def send(self, sender: Sender, *events: Event) -> Counter[str]:
        """Send events one after another; return how many were new, and how many repeated."""
        return await self._sent([await post(self.gateway, sender, sender.body(event)) for event in events])

    async def send_at_once(self, sender: Sender, *events: Event) -> Counter[str]:
        """Send events all at the same time."""
        return await self._sent(
            await asyncio.gather(*(post(self.gateway, sender, sender.body(event)) for event in events))
        )

    async def _sent(self, answers: Sequence[Response]) -> Counter[str]:
        assert {answer.status_code for answer in answers} == {202}
        accepted = [answer.json()["accepted"][0] for answer in answers]
        assert {one["incident"] for one in accepted} == {INCIDENT}
        return Counter("repeated" if one["repeated"] else "new" for one in accepted)

    async def view(self) -> IncidentView:
        """Return everything about the incident, once all alerts are there."""
        await self.gateway.delivered()
        return await self.gateway.incidents.view(incident=INCIDENT)

    async def ended_ladder(self) -> IncidentView:
        """Wait until nobody is left to page."""

        async def it_ended() -> bool:
            return any(isinstance(event, LadderEnded) for event in (await self.view()).timeline)

        await eventually(it_ended)
        return await self.view()

    async def open(self) -> list[str]:
        """Return what the engine lists as open."""
        return [run.short for run in await self.gateway.incidents.listing(limit=10, open_only=True)]

    @property
    def called(self) -> Counter[str]:
        """How often each person was called."""
        return Counter(person.name for people in self.world.channel.called for person in people)


@asynccontextmanager
async def storm(client: Client, wait: str = SHORT) -> AsyncIterator[Storm]:
    world = MemoryWorld()
    levels = [{"page": ["on_call"], "wait": wait}, {"page": ["commander"], "wait": wait}]
    engine = Engine(client, world)
    engine.queue = TASK_QUEUE
    # Whoever owns the next step is called too, so that is nobody of the ladder.
    then = {**MANUAL, "owner": "product"}
    paging = playbook(ESCALATE, then, escalation={"model": levels})
    async with engine.worker(), gateway_over(client, playbooks={"chat-agent": paging}) as gateway:
        yield Storm(gateway, world)


def ladder(view: IncidentView) -> list[tuple[int, tuple[str, ...]]]:
    pages = [event for event in view.timeline if isinstance(event, PeoplePaged)]
    return [(event.level, event.people) for event in pages if "Carol" not in event.people]


def received(view: IncidentView) -> Counter[tuple[str, str]]:
    alerts = [event.alert for event in view.timeline if isinstance(event, AlertReceived)]
    return Counter((alert.source, alert.status) for alert in alerts)


def flapping() -> list[Event]:
    """Return an alert that is over, and comes again and again, each time as an episode of its own."""
    again = [
        [
            Event(began=minute, at=minute, again=True),
            Event("resolved", began=minute, at=minute + 5, again=True),
        ]
        for minute in FLAPS
    ]
    return [Event("resolved", at=5), *(event for both in again for event in both)]


async def test_a_thousand_duplicates_of_one_alert_are_one_incident_that_pages_once_on_each_level(
    client: Client,
) -> None:
    async with storm(client) as here:
        sender = SENDERS[0]
        assert await here.send_at_once(sender, *[Event()] * 500) == {"new": 1, "repeated": 499}
        assert await here.send(sender, *[Event()] * 500) == {"repeated": 500}
        view = await here.ended_ladder()
        assert ladder(view) == [(1, ("Alice",)), (2, ("Bob",))]
        assert (here.called["Alice"], here.called["Bob"]) == (1, 1)
        assert view.summary.alerts == 1
        assert await eventually(here.open) == ["chat/r2"]


async def test_alerts_that_flap_at_every_sender_are_one_incident_that_pages_once_on_each_level(
    client: Client,
) -> None:
    async with storm(client) as here:
        for sender in SENDERS:
            assert (await here.send_at_once(sender, *[Event()] * 10))["new"] == 1
            assert await here.send(sender, *flapping()) == {"new": 1 + 2 * len(FLAPS)}
        view = await here.ended_ladder()
        each = 1 + len(FLAPS)
        assert received(view) == {
            (sender.name, status): each for sender in SENDERS for status in ("firing", "resolved")
        }
        assert view.firing == ()
        assert ladder(view) == [(1, ("Alice",)), (2, ("Bob",))]
        assert (here.called["Alice"], here.called["Bob"]) == (1, 1)
        assert await eventually(here.open) == ["chat/r2"]


async def test_an_alert_that_flaps_once_it_is_owned_pages_nobody_more(client: Client) -> None:
    sender = SENDERS[0]
    async with storm(client, LONG) as here:
        await here.send(sender, Event())
        await eventually(lambda: _called(here, "Alice"))
        await here.gateway.incidents.act(incident=INCIDENT, act=an_act("own", Action.ACKNOWLEDGE))
        await here.send(sender, *flapping())
        view = await here.view()
        assert received(view)[sender.name, "firing"] == 1 + len(FLAPS)
        # Nobody is asked to own it any more, so no level comes after.
        assert not any(Action.ACKNOWLEDGE in ask.actions for ask in view.asks)
        assert (here.called["Alice"], here.called["Bob"]) == (1, 0)


async def _called(here: Storm, person: str) -> bool:
    return here.called[person] > 0
