"""Opening the Slack door: signed HTTP or the socket, with the same desk behind it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from slack_sdk.signature import SignatureVerifier
from starlette.routing import Route

from backout.ports import SlackCalls
from backout.site import Site
from gateway.incidents import Incidents
from gateway.metrics import Metrics
from gateway.slack import SlackDoor
from gateway.slack_desk import SlackDesk
from gateway.slack_people import Groups, SlackPeople
from gateway.slack_socket import SlackSocket


@dataclass(frozen=True)
class OpenSlack:
    """The Slack door as the application runs it."""

    desk: SlackDesk
    routes: tuple[Route, ...] = ()
    """Empty with Socket Mode: nothing is reachable then."""
    socket: SlackSocket | None = None

    async def run(self) -> None:
        """Keep the socket open, where there is one; let people hear their receipts at the end."""
        try:
            await (self.socket.run() if self.socket else asyncio.Event().wait())
        finally:
            await self.desk.aclose()


def open_slack(
    *,
    incidents: Incidents,
    site: Site,
    slack: SlackCalls,
    metrics: Metrics,
    signing: str | None,
    app: str | None,
) -> OpenSlack | None:
    """Open the door whose secret is there: the app's signing secret, or its app-level token."""
    door = site.gateway.slack
    groups = Groups(door.groups if door else {}, slack)
    people = SlackPeople(site, groups)
    desk = SlackDesk(incidents=incidents, people=people, slack=slack, metrics=metrics)
    if app is not None:
        api = door.api if door else "https://slack.com/api/"
        return OpenSlack(desk, socket=SlackSocket(app_token=app, api=api, desk=desk, metrics=metrics))
    if signing is None:
        return None
    http = SlackDoor(verifier=SignatureVerifier(signing), desk=desk, metrics=metrics)
    return OpenSlack(
        desk,
        routes=(
            Route("/slack/commands", http.command, methods=["POST"]),
            Route("/slack/interactions", http.interaction, methods=["POST"]),
        ),
    )
