"""People in the fake Slack: they type commands, tap buttons and send off forms, as an app is told of it."""

from __future__ import annotations

import time
from typing import Protocol

from demo.slack.reactions import Answered, Reaction, state_of
from demo.slack.rooms import Shape, SlackMessage
from demo.slack.server import FakeSlack

COMMAND = "/backout"


class Transport(Protocol):
    """How the app hears: `SignedHttp`, or the `socket` of the fake Slack."""

    async def deliver(self, kind: str, payload: Shape, *, attempt: int = 0, reason: str = ...) -> Answered:
        """Deliver something and return the app's answer."""


class SlackPeople:
    """What people do in one channel, told to one app."""

    def __init__(self, slack: FakeSlack, transport: Transport, channel: str = "C01INC") -> None:
        self._slack = slack
        self._transport = transport
        self._channel = channel

    async def type(self, user: str, text: str) -> Reaction:
        """Type `/backout <text>`."""
        return await self.deliver(self.typing(user, text))

    def typing(self, user: str, text: str) -> Reaction:
        """Return a command that is not delivered yet."""
        reaction = Reaction(user, "slash_commands", {})
        reaction.payload = {
            "token": "verification-token",
            "team_id": "T01FAKE",
            "team_domain": "backout",
            "channel_id": self._channel,
            "channel_name": self._slack.rooms.names.get(self._channel, ""),
            "user_id": user,
            "user_name": self._slack.members.get(user, ""),
            "command": COMMAND,
            "text": text,
            "api_app_id": "A01APP",
            "is_enterprise_install": "false",
            "response_url": self._slack.response_url(reaction),
            "trigger_id": self._slack.trigger(reaction),
        }
        return reaction

    async def tap(self, user: str, message: SlackMessage, button: str) -> Reaction:
        """Tap a button of a message, by its words or its action id. `LookupError`: it has no such button."""
        return await self.deliver(self.tapping(user, message, button))

    def tapping(self, user: str, message: SlackMessage, button: str) -> Reaction:
        """Return a tap that is not delivered yet."""
        tapped = message.button(button)
        reaction = Reaction(user, "interactive", {})
        reaction.payload = {
            "type": "block_actions",
            **self._who(user),
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": message.channel,
                "is_ephemeral": False,
            },
            "trigger_id": self._slack.trigger(reaction),
            "channel": {"id": message.channel, "name": self._slack.rooms.names.get(message.channel, "")},
            "message": message.shape(),
            "state": {"values": {}},
            "response_url": self._slack.response_url(reaction),
            "actions": [
                {
                    "type": "button",
                    "action_id": tapped["action_id"],
                    "block_id": tapped["block_id"],
                    "value": tapped.get("value", ""),
                    "text": tapped["text"],
                    "action_ts": f"{time.time():.6f}",
                }
            ],
        }
        return reaction

    async def submit(self, user: str, view: Shape, values: dict[str, str]) -> Reaction:
        """Fill in a form and send it off; `values` are by block or action. `LookupError`: they do not fit."""
        return await self.deliver(self.submitting(user, view, values))

    def submitting(self, user: str, view: Shape, values: dict[str, str]) -> Reaction:
        """Return a form that is filled in and not delivered yet."""
        reaction = Reaction(user, "interactive", {})
        reaction.payload = {
            "type": "view_submission",
            **self._who(user),
            "trigger_id": self._slack.trigger(reaction),
            "view": {**view, "state": {"values": state_of(view, values)}},
            "response_urls": [],
        }
        return reaction

    async def deliver(self, reaction: Reaction) -> Reaction:
        """Tell the app, and take its answer."""
        reaction.take(await self._transport.deliver(reaction.kind, reaction.payload))
        return reaction

    async def again(self, reaction: Reaction, attempt: int = 1) -> Reaction:
        """Tell the app once more of the very same, as Slack does after an answer that did not come."""
        reaction.take(
            await self._transport.deliver(
                reaction.kind, reaction.payload, attempt=attempt, reason="http_timeout"
            )
        )
        return reaction

    def _who(self, user: str) -> Shape:
        name = self._slack.members.get(user, "")
        return {
            "api_app_id": "A01APP",
            "token": "verification-token",
            "team": {"id": "T01FAKE", "domain": "backout"},
            "is_enterprise_install": False,
            "user": {"id": user, "username": name, "name": name, "team_id": "T01FAKE"},
        }
