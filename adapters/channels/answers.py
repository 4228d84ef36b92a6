"""How people are told to answer: the registry's own words, with incident and code filled in."""

from __future__ import annotations

from backout.addressing import short_of
from backout.commands import VERBS
from backout.messages import Message

_VERBS = {verb.does: verb for verb in VERBS.values()}


def answers_to(message: Message) -> list[str]:
    """Return a command for each action of the message, such as `approve chat/r2 4f1a2b3c`."""
    if not message.incident:
        return []
    short = short_of(message.incident)
    return [_VERBS[action].filled(incident=short, code=message.code) for action in message.actions]
