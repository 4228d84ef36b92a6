"""Slash commands: what somebody typed becomes one call on the incidents, and an answer for them alone."""

from __future__ import annotations

import asyncio

from backout.addressing import ListedIncident, short_of
from backout.commands import Command, act_of, address, help_text, list_text, parse, status_text
from backout.errors import BackoutError, EngineDown, InteractionUnreadable, Unanswered
from backout.people import Action
from gateway.incidents import RESOLVE_AMONG, Incidents
from gateway.metrics import Metrics
from gateway.slack_answers import Answer, told
from gateway.slack_heard import SlashCommand, slash_command
from gateway.slack_people import SlackPeople

LIST_S, ACT_S = 0.8, 1.8
"""Seconds for finding the incident and the person, and for the act: below the three that Slack waits."""


class SlashCommands:
    """Slack's slash commands. Whatever is wrong is told to the person who typed, and to nobody else."""

    def __init__(self, *, incidents: Incidents, people: SlackPeople, metrics: Metrics) -> None:
        """Act on these incidents, for these people."""
        self._incidents = incidents
        self._people = people
        self._metrics = metrics

    async def answer(self, raw: object) -> Answer:
        """Answer one slash command."""
        try:
            slash = slash_command(raw)
        except InteractionUnreadable as error:
            self._metrics.slack.commands.labels(verb="", result="refused").inc()
            return Answer(body=told(str(error)).body, problem=str(error))
        return told(await self._text(slash))

    async def _text(self, slash: SlashCommand) -> str:
        verb, result = "", "done"
        try:
            command = parse(slash.text)
            verb = command.verb.name
            return await self._done(command, slash)
        except BackoutError as error:
            result = outcome_of(error)
            return str(error)
        finally:
            self._metrics.slack.commands.labels(verb=verb, result=result).inc()

    async def _done(self, command: Command, slash: SlashCommand) -> str:
        if command.verb.does == "help":
            return help_text(slash.command)
        known, listed = await asyncio.gather(self._people.who(slash.user_id), self._listed(command))
        if command.verb.does == "list":
            return list_text(listed)
        meant = address(command, listed)
        if not isinstance(command.verb.does, Action):
            return status_text(await self._incidents.view(incident=meant.incident, within_s=ACT_S))
        act = act_of(command, command.verb.does, meant, act_id=slash.trigger_id, actor=known.actor)
        with known.refused_in_doubt():
            receipt = await self._incidents.act(incident=meant.incident, act=act, within_s=ACT_S)
        return f"{short_of(meant.incident)}: {receipt.text}"

    async def _listed(self, command: Command) -> tuple[ListedIncident, ...]:
        if not command.needs_list:
            return ()
        return await self._incidents.listing(limit=RESOLVE_AMONG, open_only=False, within_s=LIST_S)


def outcome_of(error: BackoutError) -> str:
    """Return how a failure is counted: whether somebody said no, or nobody said anything."""
    return "unanswered" if isinstance(error, EngineDown | Unanswered) else "refused"
