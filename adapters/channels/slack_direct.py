"""Direct messages in Slack, one to each person who is called."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta

from adapters.channels.slack import TIMEOUT, SlackWeb
from backout.errors import BackoutError, RejectedBySystem
from backout.messages import Message, Posted
from backout.people import Person

_EVERYBODY = "(direct messages)"


class SlackDirect:
    """Posts to people: to Slack, a member's id is the channel of the direct messages with them.

    A reference is those of all the messages, with spaces between them.
    """

    def __init__(self, token: str, api: str, timeout: timedelta = TIMEOUT) -> None:
        self._token = token
        self._api = api
        self._timeout = timeout
        self._members: dict[str, SlackWeb] = {}
        self._stack = AsyncExitStack()

    async def post(self, *, message: Message, people: Sequence[Person]) -> Posted:
        """Post to each of the people, at the same time; those whom it does not reach are named.

        Raises:
            RejectedBySystem: nobody was named, or Slack will never take any of the messages.
            RateLimited: Slack wants a pause, and nobody was reached.
            Unreachable: Slack did not answer, and nobody was reached.
        """
        # The thread is another channel's: here everybody has a conversation of their own.
        own = message.model_copy(update={"thread": None})
        members = [person.slack for person in people if person.slack]
        posts = (self._member(member).post(message=own, people=()) for member in members)
        answers = iter(await asyncio.gather(*posts, return_exceptions=True))
        refs, unreached, errors = [], [], []
        for person in people:
            answer = next(answers) if person.slack else None
            match answer:
                case Posted():
                    refs.append(answer.ref)
                case BackoutError():
                    errors.append(answer)
                    unreached.append(f"{person.name} ({answer})")
                case None:
                    unreached.append(f"{person.name} (no Slack member id)")
                case _:
                    raise answer
        if not refs:
            raise _worst(errors) or _nobody(unreached)
        return Posted(ref=" ".join(refs), unreached=tuple(unreached))

    async def update(self, *, ref: str, message: Message) -> None:
        """Replace everybody's message; it raises what `post` raises, of the first that fails."""
        await asyncio.gather(
            *(self._member(_EVERYBODY).update(ref=one, message=message) for one in ref.split())
        )

    async def check(self) -> str:
        """Ask Slack who we are, and say it; it raises what `post` raises. Nothing is posted."""
        return await self._member(_EVERYBODY).check()

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        await self._stack.aclose()

    def _member(self, member: str) -> SlackWeb:
        if member not in self._members:
            self._members[member] = SlackWeb(self._token, member, self._api, self._timeout)
            self._stack.push_async_callback(self._members[member].aclose)
        return self._members[member]


def _worst(errors: Sequence[BackoutError]) -> BackoutError | None:
    """Return an error that trying again may mend, or else any."""
    mendable = [error for error in errors if not isinstance(error, RejectedBySystem)]
    return next(iter([*mendable, *errors]), None)


def _nobody(unreached: Sequence[str]) -> RejectedBySystem:
    why = ", ".join(unreached) or "the message calls nobody, and direct messages go to people who are called"
    return RejectedBySystem(what=f"Slack {_EVERYBODY}", why=why)
