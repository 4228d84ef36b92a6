"""How people are told to answer: the registry's own words, with the incident filled in."""

from __future__ import annotations

from backout.commands import VERBS
from backout.messages import Message

_VERBS = {verb.does: verb for verb in VERBS.values()}


def answers_to(message: Message) -> list[str]:
    """Return a command for each action of the message, such as `approve chat/r2`."""
    if not message.incident:
        return []
    short = message.incident.removeprefix("incident/")
    usages = (_VERBS[action].usage for action in message.actions)
    return [usage.replace("[incident]", short).removesuffix(" [reason]") for usage in usages]
