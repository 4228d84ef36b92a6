"""How fast a channel is told things: its rate and burst, and the pauses that the system itself asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from adapters.clock import SteadyClock
from backout import ports
from backout.errors import RateLimited
from backout.messages import Message, Posted
from backout.people import Person

LONGEST_WAIT = timedelta(seconds=1.5)
"""So long a message waits for its turn at most: what sends it has a few seconds in all."""
RESERVED = 2
"""Of a burst, so many turns are kept for messages that call people: news keep no page waiting."""
_STEADY_CLOCK = SteadyClock()


class Pace:
    """Gives turns: `burst` of them at once, and then one every so often; first come, first served.

    It is a leaky bucket kept as one moment, the generic cell rate algorithm of ITU-T I.371.
    """

    def __init__(self, *, every: timedelta, burst: int, clock: ports.Clock = _STEADY_CLOCK) -> None:
        self._every = every
        self._burst = burst
        self._clock = clock
        self._empty_at = clock.now()
        """When the bucket will have run dry, if nobody takes another turn."""

    async def turn(self, *, what: str, urgent: bool) -> None:
        """Wait for a turn. `RateLimited`: that would take longer than anybody waits, and none is taken."""
        now = self._clock.now()
        room = (self._burst - 1 - (0 if urgent else RESERVED)) * self._every
        wait = max(timedelta(0), self._empty_at - room - now)
        if wait > LONGEST_WAIT:
            raise RateLimited(what=what, retry_after_s=round(wait.total_seconds(), 1))
        self._empty_at = max(self._empty_at, now) + self._every
        if wait:
            await self._clock.sleep(duration=wait)

    def rest(self, seconds: float) -> None:
        """Give no turn for so long: the system said so."""
        full = (self._burst - 1) * self._every
        self._empty_at = max(self._empty_at, self._clock.now() + timedelta(seconds=seconds) + full)


class Paced:
    """A channel that is told things at a pace; news and updates have one each, as their limits differ."""

    def __init__(self, behind: ports.Channel, *, what: str, posts: Pace, updates: Pace) -> None:
        self.behind = behind
        """The channel itself."""
        self._what = what
        self._posts = posts
        self._updates = updates

    async def post(self, *, message: Message, people: Sequence[Person]) -> Posted:
        """Post in turn. `RateLimited`: the turn is too far away, or the system itself wants a pause."""
        await self._posts.turn(what=self._what, urgent=bool(people))
        with _heeding(self._posts):
            return await self.behind.post(message=message, people=people)

    async def update(self, *, ref: str, message: Message) -> None:
        """Update in turn; it raises what `post` raises."""
        await self._updates.turn(what=self._what, urgent=False)
        with _heeding(self._updates):
            await self.behind.update(ref=ref, message=message)


@contextmanager
def _heeding(pace: Pace) -> Iterator[None]:
    """Rest where the system asks for it: whoever comes next need not be told by it again."""
    try:
        yield
    except RateLimited as limited:
        pace.rest(limited.retry_after_s)
        raise


_PACES = {
    # One message a second and channel, with short bursts, is what Slack allows.
    "slack": (timedelta(seconds=1), 5),
    # Everybody is a channel of their own there; what is left is the workspace's limit.
    "slack-direct": (timedelta(milliseconds=200), 10),
    # It sets its limit as traffic comes, and says so with a 429.
    "pagerduty": (timedelta(milliseconds=500), 10),
    "webhook": (timedelta(milliseconds=100), 20),
}
"""By kind of channel: one turn every so often, and so many at once. A terminal takes all that it is
given, and a mail server decides for each recipient by itself."""


def paced(channel: ports.Channel, name: str, kind: str) -> ports.Channel:
    """Return a channel at the pace of its kind."""
    if kind not in _PACES:
        return channel
    every, burst = _PACES[kind]
    what = f"channel {name}"
    return Paced(
        channel, what=what, posts=Pace(every=every, burst=burst), updates=Pace(every=every, burst=burst)
    )
