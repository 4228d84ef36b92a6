"""A Slack, a gateway that hears it over either transport, and an incident that waits for an approval."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import uvicorn
from slack_sdk.models.blocks import ActionsBlock, ButtonElement
from temporalio.client import Client, WorkflowExecutionStatus

from backout.buttons import action_id_of, value_of
from backout.case import OpenIncident
from backout.messages import Button
from backout.model import digest_of
from backout.people import Action
from backout.site import Site
from backout.view import Ask, IncidentView, incident_id
from demo.slack.people import SlackPeople, Transport
from demo.slack.reactions import Reaction
from demo.slack.rooms import SlackMessage
from demo.slack.server import APP_TOKEN, SIGNING_SECRET, FakeSlack
from demo.slack.signed import SignedHttp
from gateway.app import Secrets
from tests.gateway.running import Gateway, eventually, gateway_over
from tests.gateway.world import SITE, an_alert
from tests.workflows.playbooks import MANUAL, NOTIFY, POSTMORTEM, playbook

Way = Literal["signed HTTP", "Socket Mode"]
WAYS: tuple[Way, ...] = ("signed HTTP", "Socket Mode")

MAY = ["acknowledge", "approve", "reject", "hold", "resume", "skip", "abort", "note", "tick", "severity"]
PLAYBOOK = playbook({**NOTIFY, "needs_approval": True}, MANUAL, POSTMORTEM, roles={"on_call": {"may": MAY}})
ALICE, BOB, CAROL, EVE = "U01ALICE", "U02BOB", "U03CAROL", "U0EVE"
PEOPLE = {
    "alice": {"name": "Alice", "roles": ["on_call"], "slack": ALICE},
    "bob": {"name": "Bob", "slack": BOB},
    "carol": {"name": "Carol", "slack": CAROL},
}
GROUP = "S01ONCALL"
SHORTLY_S = 60.0


def site_over(way: Way, api: str, *, groups: bool = False) -> Site:
    """Return the site, with the door for this transport."""
    secret = {"signed HTTP": "signing_secret", "Socket Mode": "app_token"}[way]
    door = {secret: {"env": "X"}, "token": {"env": "Y"}, "api": api}
    given = SITE.model_dump(mode="json")
    return Site.model_validate(
        given
        | {
            "people": PEOPLE,
            "gateway": given["gateway"]
            | {"slack": door | ({"groups": {GROUP: "on_call"}} if groups else {})},
        }
    )


def opening_of(release: str) -> OpenIncident:
    """Return what opens an incident whose notice waits for approval."""
    return OpenIncident(
        incident=incident_id("chat", release),
        service="chat",
        release=release,
        playbook=PLAYBOOK,
        digest=digest_of(PLAYBOOK),
    )


@dataclass(frozen=True)
class SlackWorld:
    """A Slack whose people act, and the gateway that hears them."""

    way: Way
    slack: FakeSlack
    gateway: Gateway
    transport: Transport
    people: SlackPeople
    client: Client

    async def message(self, *buttons: Button) -> SlackMessage:
        """Post a message with these buttons."""
        elements = [
            ButtonElement(text=one.action.value, action_id=action_id_of(one), value=value_of(one))
            for one in buttons
        ]
        return self.slack.rooms.post("C01INC", "an incident", [ActionsBlock(elements=elements).to_dict()])

    async def opened(self, release: str) -> IncidentView:
        """Open an incident, and return it once its notice waits for approval."""
        opening = opening_of(release)
        await self.gateway.incidents.open(opening=opening, alert=an_alert())

        async def asks() -> IncidentView | None:
            view = await self.gateway.incidents.view(incident=opening.incident)
            return view if view.asks else None

        view = await eventually(asks)
        assert view is not None
        return view

    async def stands(self, incident: str) -> tuple[int, IncidentView]:
        """Return the length of the incident's history, and everything about it."""
        # The view is asked for first: a worker that answers has nothing else to do.
        view = await self.gateway.incidents.view(incident=incident)
        return await self.length(incident), view

    async def length(self, incident: str) -> int:
        """Return the length of the incident's history, once nothing is under way in it."""

        async def settled() -> int:
            description = await self.client.get_workflow_handle(incident).describe()
            raw = description.raw_description
            is_busy = raw.HasField("pending_workflow_task") or raw.pending_activities
            return 0 if is_busy else description.history_length

        return await eventually(settled)

    async def waits_shortly(self, incident: str) -> bool:
        """Say whether an incident goes on by itself in a moment: news are gathered before they are told."""
        handle = self.client.get_workflow_handle(incident)
        if (await handle.describe()).status is not WorkflowExecutionStatus.RUNNING:
            return False
        timers: dict[int, float] = {}
        for event in (await handle.fetch_history()).events:
            if event.HasField("timer_started_event_attributes"):
                lasting = event.timer_started_event_attributes.start_to_fire_timeout
                timers[event.event_id] = lasting.ToTimedelta().total_seconds()
            for ended in ("timer_fired_event_attributes", "timer_canceled_event_attributes"):
                if event.HasField(ended):
                    timers.pop(getattr(event, ended).started_event_id)
        return any(seconds < SHORTLY_S for seconds in timers.values())

    async def is_told(self, reaction: Reaction, words: str) -> str:
        """Wait until the person has been told this, in a text or in the form; return all that they saw."""

        async def seen() -> str:
            views = (str(view["blocks"]) for view in reaction.views)
            answers = (answered.text for answered in reaction.answered)
            told = "\n".join((*reaction.said, *reaction.errors.values(), *views, *answers))
            return told if words in told.replace("&lt;", "<").replace("&gt;", ">") else ""

        return await eventually(seen)


def a_button(view: IncidentView, action: Action, **changes: object) -> Button:
    """Return a button about what waits first in an incident."""
    ask: Ask | None = next(iter(view.asks), None)
    return Button.model_validate(
        {
            "action": action,
            "incident": view.summary.incident,
            "code": ask.code if ask and action in {Action.APPROVE, Action.REJECT} else "",
            "seen": len(view.timeline),
            "run": view.summary.run,
            **changes,
        }
    )


@asynccontextmanager
async def slack_world(client: Client, way: Way, *, groups: bool = False) -> AsyncIterator[SlackWorld]:
    """Run a Slack and a gateway that hears it in one of the two ways."""
    slack = FakeSlack(groups={GROUP: [CAROL]})
    api = await slack.start()
    secrets = Secrets(slack=SIGNING_SECRET) if way == "signed HTTP" else Secrets(slack_app=APP_TOKEN)
    try:
        site = site_over(way, api, groups=groups)
        async with (
            gateway_over(client, secrets=secrets, site=site) as gateway,
            _transport(way, slack, gateway) as transport,
        ):
            people = SlackPeople(slack, transport)
            yield SlackWorld(way, slack, gateway, transport, people, client)
    finally:
        await slack.close()


@asynccontextmanager
async def _transport(way: Way, slack: FakeSlack, gateway: Gateway) -> AsyncIterator[Transport]:
    if way == "Socket Mode":
        await slack.socket.opened.wait()
        yield slack.socket
        return
    # The lifespan runs already: the server only takes what comes.
    server = uvicorn.Server(
        uvicorn.Config(gateway.app, host="127.0.0.1", port=0, lifespan="off", log_level="warning")
    )
    serving = asyncio.create_task(server.serve())
    await eventually(lambda: _started(server))
    port = server.servers[0].sockets[0].getsockname()[1]
    base = f"http://127.0.0.1:{port}/slack"
    try:
        yield SignedHttp(
            signing_secret=SIGNING_SECRET, commands=f"{base}/commands", interactions=f"{base}/interactions"
        )
    finally:
        server.should_exit = True
        await serving


async def _started(server: uvicorn.Server) -> bool:
    return server.started
