"""The play: the world and the story put together, from a healthy release to the proof that it is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

from temporalio.envconfig import ClientConnectConfig

import wiring
from backout.errors import EngineDown, IncidentUnknown, Unanswered
from backout.site import Site
from backout.view import Ask, IncidentOutcome, IncidentView, incident_id
from demo import releases, words, world
from demo.channel import INCIDENTS, Channel
from demo.monitoring import Monitoring
from demo.people import OnCall
from demo.proof import findings
from demo.slack.people import SlackPeople
from demo.slack.signed import SignedHttp
from demo.story import Story
from demo.traffic import PER_SECOND, Traffic
from demo.world import Engine, World
from gateway.incidents import Incidents

LOOK_EVERY_S = 0.25
HEALTHY_S = 3.0
"""How long the release is seen healthy before it goes bad."""
SHOWN_S, PROVEN_S = 2.0, 4.0
"""Over how many seconds the users' error rate is shown, and proven at the end."""
PROVEN_USERS, PROVEN_REPLIES = 300, 200
"""How many users the service is asked about, and how many answers make a rate at least."""
INCIDENT = incident_id(releases.SERVICE, releases.CANDIDATE)

Beside = Callable[[Coroutine[None, None, None]], None]
"""Starts something that runs beside the story."""


@asynccontextmanager
async def beside_the_story() -> AsyncIterator[Beside]:
    """Run things beside the story: they end with it, and it ends with the first of them that fails."""
    tasks: list[asyncio.Task[None]] = []
    try:
        async with asyncio.TaskGroup() as group:
            yield lambda running: tasks.append(group.create_task(running))
            for task in tasks:
                task.cancel()
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


class Ending(NamedTuple):
    """How the play ended."""

    well: bool
    """The world is really well."""
    postmortem: str
    """Where the postmortem is."""


class Play:
    """One performance of the demo."""

    def __init__(self, stage: World, story: Story, *, interactive: bool, lasting_s: float) -> None:
        self._world = stage
        self._story = story
        self._interactive = interactive
        self._lasting_s = lasting_s
        self._exposure: dict[str, int] = {}

    async def run(self) -> Ending:
        """Perform; say whether the world is really well at the end."""
        stage, service_part, engine_part = self._world, self._world.service_part, self._world.engine_part
        self._story.chapter("A release is out, and its users are well")
        async with beside_the_story() as beside:
            await service_part.start()
            beside(service_part.watch())
            service = await stage.service()
            site = await self._site(service)
            traffic = Traffic(url=service)
            beside(traffic.run(lasting_s=self._lasting_s))
            beside(self._show(traffic))
            await engine_part.start()
            beside(engine_part.watch())
            engine = await stage.engine()
            incidents = await _incidents(engine)
            monitoring = self._monitoring(service, engine)
            beside(monitoring.run())
            beside(self._people(incidents, site, engine))
            await self._healthy(traffic)
            went_bad = await self._spoil(service)
            view = await self._follow(incidents, monitoring, engine)
            self._sum_up(view, went_bad=went_bad, alerts=monitoring.sent)
            return Ending(await self._prove(service, traffic, view), view.postmortem)

    async def _site(self, service: str) -> Site:
        """Start the demo's Slack and show its channels; return the site that is written for it."""
        stage = self._world
        slack = await stage.slack.start()
        site = stage.write_site(service=service, slack=slack, interactive=self._interactive)
        names = {person.slack: person.name for person in site.people.values() if person.slack}
        Channel(stage.slack.rooms, lambda text, mark: self._story.say(text, mark=mark), names)
        return site

    def _monitoring(self, service: str, engine: Engine) -> Monitoring:
        return Monitoring(
            metrics=f"{service}/metrics",
            webhook=f"{engine.gateway}/alerts/alertmanager",
            token=self._world.alert_token,
        )

    async def _show(self, traffic: Traffic) -> None:
        """Keep the world in sight for as long as the story goes on."""
        while True:
            self._story.look(exposure=self._exposure, seen=traffic.seen(last_s=SHOWN_S))
            await asyncio.sleep(LOOK_EVERY_S)

    async def _healthy(self, traffic: Traffic) -> None:
        await asyncio.sleep(HEALTHY_S)
        seen = words.seen_in_words(traffic.seen(last_s=HEALTHY_S))
        self._story.say(f"{PER_SECOND} questions a second; {seen}. The others get {releases.BASELINE}")

    async def _spoil(self, service: str) -> datetime:
        self._story.chapter("The release goes bad")
        self._story.say(
            f"Somebody swaps the document index behind {releases.CANDIDATE}: from now on it fails, "
            "makes things up, and is unsafe. Nobody has noticed yet"
        )
        return await world.go_bad(service)

    async def _follow(self, incidents: Incidents, monitoring: Monitoring, engine: Engine) -> IncidentView:
        """Tell the incident from its own record until it is over."""
        self._world.awaited = "the incident that the alert should open"
        while (view := await _view(incidents)) is None:
            await asyncio.sleep(LOOK_EVERY_S)
            self._world.awaited = f"an incident; the gateway's last word: {monitoring.refused or 'nothing'}"
        self._story.tell(view.timeline[:1])
        self._story.say(f"Its history, live: {engine.history_of(INCIDENT)}")
        while True:
            view = await _view(incidents) or view
            self._world.awaited = f"the end of the incident's step {view.step}"
            self._exposure = words.standing(view.timeline)
            self._story.tell(view.timeline)
            if view.summary.outcome is not IncidentOutcome.OPEN:
                return view
            await asyncio.sleep(LOOK_EVERY_S)

    async def _people(self, incidents: Incidents, site: Site, engine: Engine) -> None:
        """Let people answer what is asked of them: the scripted ones, or those who watch."""
        slack = self._world.slack
        door = SignedHttp(
            signing_secret=self._world.signing_secret,
            commands=f"{engine.gateway}/slack/commands",
            interactions=f"{engine.gateway}/slack/interactions",
        )
        hands = SlackPeople(slack, door, channel=INCIDENTS)
        on_call = OnCall(rooms=slack.rooms, hands=hands, people=site.people, say=self._story.say)
        asked: tuple[Ask, ...] = ()
        while True:
            view = await _view(incidents)
            if view is not None and self._interactive:
                self._invite(tuple(ask for ask in view.asks if ask not in asked), site)
                asked = view.asks
            elif view is not None:
                await on_call.look(view)
            await asyncio.sleep(LOOK_EVERY_S)

    def _invite(self, asks: tuple[Ask, ...], site: Site) -> None:
        """Tell whoever watches what is asked, and what they can type to answer."""
        for ask in asks:
            question = ask.what.splitlines()[0]
            self._story.say(f"Your turn: {question} In another terminal, type one of:", mark="☞")
            for line in self._world.commands(ask, site):
                self._story.say(line, mark=" ")

    def _sum_up(self, view: IncidentView, *, went_bad: datetime, alerts: int) -> None:
        self._story.chapter("In numbers, from the moment it went bad")
        for milestone, taken in words.times(view.timeline, went_bad=went_bad).items():
            self._story.say(f"{milestone}: {words.in_words(taken)}")
        served = words.blast_radius(view.timeline)
        said = "no data" if served is None else f"{served:.0f}"
        self._story.say(
            f"requests that {releases.CANDIDATE} served from the alert to the end of its revert: {said}"
        )
        self._story.say(f"alert webhooks taken: {alerts}; incidents: one")

    async def _prove(self, service: str, traffic: Traffic, view: IncidentView) -> bool:
        self._story.chapter("Is it really over? The service and its users say")
        on_candidate, users = await world.on_candidate(service, users=PROVEN_USERS)
        seen = await traffic.enough(last_s=PROVEN_S, replies=PROVEN_REPLIES)
        found = findings(users=users, on_candidate=on_candidate, seen=seen, view=view)
        for finding in found:
            self._story.say(finding.found, mark="✓" if finding.holds else "✗")
        return all(finding.holds for finding in found)


async def _incidents(engine: Engine) -> Incidents:
    at = ClientConnectConfig(target_host=engine.temporal, namespace=engine.namespace)
    return Incidents(client=await wiring.connect(at))


async def _view(incidents: Incidents) -> IncidentView | None:
    """Return the incident; None before it is there, and while the engine is too busy to say."""
    try:
        return await incidents.view(incident=INCIDENT)
    except (IncidentUnknown, EngineDown, Unanswered):
        return None
