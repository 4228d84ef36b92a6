"""The desk behind both of Slack's ways in: what was heard goes in, an answer comes out in three seconds."""

from __future__ import annotations

from backout.ports import SlackCalls
from gateway.bodies import KIB
from gateway.incidents import Incidents
from gateway.metrics import Metrics
from gateway.slack_answers import Answer, Whispers
from gateway.slack_commands import SlashCommands
from gateway.slack_interactions import Interactions, unreadable
from gateway.slack_people import SlackPeople

LARGEST = 512 * KIB
"""Bytes of one thing that Slack tells: a tap comes with the whole message that has the button."""


class SlackDesk:
    """Answers commands, taps and forms, and tells people beside the answer what came of their taps."""

    def __init__(
        self, *, incidents: Incidents, people: SlackPeople, slack: SlackCalls, metrics: Metrics
    ) -> None:
        """Act on these incidents for these people, and speak to them through this Slack."""
        self._commands = SlashCommands(incidents=incidents, people=people, metrics=metrics)
        self._interactions = Interactions(incidents=incidents, people=people, slack=slack, metrics=metrics)
        self._whispers = Whispers(slack, metrics)

    async def command(self, raw: object) -> Answer:
        """Answer what somebody typed."""
        return await self._commands.answer(raw)

    async def interaction(self, raw: object, *, size: int) -> Answer:
        """Answer a tap or a form that came in so many bytes."""
        if size > LARGEST:
            answer = unreadable(f"What Slack sent is above {LARGEST} bytes. Nothing was done.", raw)
        else:
            answer = await self._interactions.answer(raw)
        self._whispers.say(answer)
        return answer

    async def aclose(self) -> None:
        """Let people still hear what came of their taps."""
        await self._whispers.aclose()
