"""The demo's users: a steady stream of questions, and what comes back to them."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from random import Random

import aiohttp

from demo import releases

PER_SECOND = 80
USERS = 1000
MOST_AT_ONCE = 64
KEEP_S = 15.0


@dataclass(frozen=True)
class Reply:
    """What one user got back."""

    at_s: float
    """On the event loop's clock."""
    release: str
    """The release whose model answered; empty where nobody did."""
    prompt: str
    """The release whose prompt it was."""
    failed: bool


@dataclass(frozen=True)
class Seen:
    """What the users saw over a while."""

    replies: int
    failed: int
    on_candidate: int
    """Answers of the candidate's model."""
    prompted: int
    """Answers with the candidate's prompt."""

    @property
    def error_percent(self) -> float | None:
        """The share of failed requests; None where there were none to look at."""
        return 100 * self.failed / self.replies if self.replies else None

    @property
    def candidate_percent(self) -> float | None:
        """The share of replies that came from the candidate; None where there were none to look at."""
        return 100 * self.on_candidate / self.replies if self.replies else None


class Traffic:
    """Asks `per_second` questions a second, each as one of `USERS` users, until it is told to stop."""

    def __init__(self, *, url: str, per_second: int = PER_SECOND, seed: int = 7) -> None:
        self._url = url
        self._pause_s = 1 / per_second
        self._chance = Random(seed)
        self._replies: deque[Reply] = deque()
        self._asking: set[asyncio.Task[None]] = set()

    async def run(self, *, lasting_s: float) -> None:
        """Send traffic for that long at most."""
        loop = asyncio.get_running_loop()
        started_s = due_s = loop.time()
        limits = aiohttp.TCPConnector(limit=MOST_AT_ONCE)
        async with aiohttp.ClientSession(
            connector=limits, timeout=aiohttp.ClientTimeout(total=KEEP_S)
        ) as http:
            try:
                while due_s < started_s + lasting_s:
                    self._start_asking(http)
                    # A busy machine thins the traffic out; it never gets a burst to catch up with.
                    due_s = max(due_s + self._pause_s, loop.time())
                    await asyncio.sleep(due_s - loop.time())
            finally:
                for task in self._asking:
                    task.cancel()
                await asyncio.gather(*self._asking, return_exceptions=True)

    def seen(self, *, last_s: float) -> Seen:
        """Return what the users saw in the last seconds, `KEEP_S` at most."""
        since_s = asyncio.get_running_loop().time() - last_s
        replies = [reply for reply in self._replies if reply.at_s >= since_s]
        return Seen(
            replies=len(replies),
            failed=sum(reply.failed for reply in replies),
            on_candidate=sum(reply.release == releases.CANDIDATE for reply in replies),
            prompted=sum(reply.prompt == releases.CANDIDATE for reply in replies),
        )

    async def enough(self, *, last_s: float, replies: int) -> Seen:
        """Return what the users saw in the last seconds and, until there are so many replies, from then on.

        On a busy machine a second has few of them, and a few make no rate. It waits until `KEEP_S` at most.
        """
        loop = asyncio.get_running_loop()
        since_s = loop.time() - last_s
        while True:
            taken_s = loop.time() - since_s
            seen = self.seen(last_s=taken_s)
            if seen.replies >= replies or taken_s >= KEEP_S:
                return seen
            await asyncio.sleep(self._pause_s)

    def _start_asking(self, http: aiohttp.ClientSession) -> None:
        if len(self._asking) >= MOST_AT_ONCE:
            return
        user = f"user-{self._chance.randrange(USERS):04}"
        task = asyncio.create_task(self._ask(http, user, self._chance.choice(releases.QUESTIONS)))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _ask(self, http: aiohttp.ClientSession, user: str, message: str) -> None:
        try:
            async with http.post(f"{self._url}/chat", json={"user": user, "message": message}) as response:
                said = await response.json()
                self._keep(release=said["release"], prompt=said["prompt"], failed=not response.ok)
        except (aiohttp.ClientError, TimeoutError):
            self._keep(release="", prompt="", failed=True)

    def _keep(self, *, release: str, prompt: str, failed: bool) -> None:
        now_s = asyncio.get_running_loop().time()
        self._replies.append(Reply(at_s=now_s, release=release, prompt=prompt, failed=failed))
        while self._replies[0].at_s < now_s - KEEP_S:
            self._replies.popleft()
