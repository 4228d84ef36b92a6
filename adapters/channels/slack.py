"""A Slack channel, through the Web API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.channels.slack_blocks import blocks_of, mark_of, plain_of
from adapters.channels.slack_refusals import refusal, word_of
from adapters.clock import SystemClock
from backout.errors import MessageGone, RejectedBySystem, Unreachable
from backout.messages import Message, Posted
from backout.people import Person
from backout.ports import Clock

TIMEOUT = timedelta(seconds=10)
_SYSTEM_CLOCK = SystemClock()
_MEMBERS = ("U", "W")
"""How member ids begin: to post there is to write to that person."""
LOOK_BACK = timedelta(hours=1)
"""How far back a message is looked for that may be there already."""
_PAGE, _MOST_PAGES = 200, 5


class SlackWeb:
    """Posts into one channel and its threads. A reference is `channel:ts`.

    Slack documents no key that makes a second post harmless, so we look before we post again: every message
    carries its key in the id of its first block, and where an attempt before ended without an answer, the
    newest messages of the channel or thread are searched for it. The app needs a `*:history` scope for that;
    without it the message is posted again, because told twice is better than not told.
    """

    def __init__(
        self,
        token: str,
        channel: str,
        api: str = "https://slack.com/api/",
        timeout: timedelta = TIMEOUT,
        clock: Clock = _SYSTEM_CLOCK,
    ) -> None:
        self._channel = channel
        self._what = f"Slack channel {channel}"
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=timeout.total_seconds())
        # Temporal retries; a second retry below it would post twice without anybody knowing.
        self._client = AsyncWebClient(token=token, base_url=api, retry_handlers=[])

    async def post(self, *, message: Message, people: Sequence[Person]) -> Posted:
        """Post a message, or an answer in a thread; one that may be there already is looked for first.

        Raises:
            RateLimited: Slack wants a pause.
            RejectedBySystem: Slack will never take it; the message says what to change.
            Unreachable: Slack did not answer, or has a failure of its own.
        """
        channel, thread = self._place(message.thread) if message.thread else (self._channel, None)
        if message.again and (ref := await self._found(mark_of(message), channel, thread)):
            return Posted(ref=ref)
        answer = await self._call(
            "chat.postMessage",
            channel=channel,
            thread_ts=thread,
            text=plain_of(message, people),
            blocks=[block.to_dict() for block in blocks_of(message, people)],
            unfurl_links=False,
            unfurl_media=False,
        )
        return Posted(ref=f"{answer['channel']}:{answer['ts']}")

    async def update(self, *, ref: str, message: Message) -> None:
        """Replace a message that was posted before.

        Raises:
            MessageGone: somebody deleted it. Beside that, what `post` raises.
        """
        channel, ts = self._place(ref)
        blocks = [block.to_dict() for block in blocks_of(message, ())]
        try:
            await self._call("chat.update", channel=channel, ts=ts, text=plain_of(message, ()), blocks=blocks)
        except RejectedBySystem as error:
            if word_of(error) == "message_not_found":
                raise MessageGone(what=self._what, ref=ref) from error
            raise

    async def check(self) -> str:
        """Ask Slack who we are, and say it; it raises what `post` raises. Nothing is posted."""
        answer = await self._call("auth.test")
        return f"posts as {answer['user']} of {answer['team']}"

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        if self._client.session is not None:
            await self._client.session.close()

    def _place(self, ref: str) -> tuple[str, str]:
        channel, colon, ts = ref.partition(":")
        if not (channel and colon and ts):
            raise RejectedBySystem(
                what=self._what, why=f"'{ref}' is no reference of a Slack message (channel:ts)"
            )
        return channel, ts

    async def _found(self, mark: str, channel: str, thread: str | None) -> str | None:
        """Return the reference of the message with a mark; None where there is none, or we may not look."""
        if not mark:
            return None
        try:
            if not thread and channel.startswith(_MEMBERS):
                channel = (await self._call("conversations.open", users=channel))["channel"]["id"]
            async for one in self._newest(channel, thread):
                if any(block.get("block_id") == mark for block in one.get("blocks", ())):
                    return f"{channel}:{one['ts']}"
        except RejectedBySystem:
            return None
        return None

    async def _newest(self, channel: str, thread: str | None) -> AsyncIterator[dict[str, Any]]:
        method = "conversations.replies" if thread else "conversations.history"
        oldest = (self._clock.now() - LOOK_BACK).timestamp()
        where: dict[str, str] = {"channel": channel, "oldest": f"{oldest:.6f}", "limit": str(_PAGE)}
        where |= {"ts": thread} if thread else {}
        for _ in range(_MOST_PAGES):
            page = await self._asked(method, where)
            for one in page["messages"]:
                yield one
            more: dict[str, str] = page.get("response_metadata") or {}
            where["cursor"] = more.get("next_cursor", "")
            if not where["cursor"]:
                return

    async def _call(self, method: str, **arguments: object) -> AsyncSlackResponse:
        body = {name: value for name, value in arguments.items() if value is not None}
        return await self._answered(method, json=body)

    async def _asked(self, method: str, arguments: Mapping[str, str]) -> AsyncSlackResponse:
        """Ask a method that only reads: those take no JSON."""
        return await self._answered(method, http_verb="GET", params=dict(arguments))

    async def _answered(self, method: str, **how: Any) -> AsyncSlackResponse:  # noqa: ANN401  # as the SDK takes it
        if self._client.session is None:
            self._client.session = aiohttp.ClientSession(timeout=self._timeout)
        try:
            return await self._client.api_call(method, **how)
        except SlackApiError as error:
            raise refusal(error.response, what=self._what) from error
        except (TimeoutError, aiohttp.ClientError) as error:
            raise Unreachable(what=self._what, why=str(error) or type(error).__name__) from error
