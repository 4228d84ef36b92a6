"""A Slack channel, through the Web API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.channels.slack_blocks import blocks_of, plain_of
from backout.errors import BackoutError, RateLimited, RejectedBySystem, Unreachable
from backout.messages import Message, Posted
from backout.people import Person

TIMEOUT = timedelta(seconds=10)
_PAUSE_S = 1.0
"""What Slack's limit of one message a second and channel asks for, where it does not say itself."""
_PASSING = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
_ADVICE = {
    "account_inactive": "the bot is switched off; install the app again",
    "cannot_reply_to_message": "this message takes no replies",
    "cant_update_message": "the message was posted by somebody else",
    "channel_not_found": "the bot sees no such channel; use the channel's id (C...) and invite the bot",
    "invalid_auth": "the token is not valid; use the app's bot token (xoxb-...)",
    "is_archived": "the channel is archived; name another one",
    "message_not_found": "the message is not there any more",
    "missing_scope": "the app lacks a scope; add it and install the app again",
    "not_authed": "no token was sent",
    "not_in_channel": "the bot is not in the channel; type /invite @<the bot> there",
    "restricted_action": "the workspace does not let the bot post there",
    "token_expired": "the token has expired; make a new one",
    "token_revoked": "the token was revoked; install the app again and use its new token",
}


class SlackWeb:
    """Posts into one channel and its threads. A reference is `channel:ts`."""

    def __init__(
        self, token: str, channel: str, api: str = "https://slack.com/api/", timeout: timedelta = TIMEOUT
    ) -> None:
        self._channel = channel
        self._what = f"Slack channel {channel}"
        self._timeout = aiohttp.ClientTimeout(total=timeout.total_seconds())
        # Temporal retries; a second retry below it would post twice without anybody knowing.
        self._client = AsyncWebClient(token=token, base_url=api, retry_handlers=[])

    async def post(self, *, message: Message, people: Sequence[Person]) -> Posted:
        """Post a message, or an answer in a thread.

        Raises:
            RateLimited: Slack wants a pause.
            RejectedBySystem: Slack will never take it; the message says what to change.
            Unreachable: Slack did not answer, or has a failure of its own.
        """
        channel, thread = self._place(message.thread) if message.thread else (self._channel, None)
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
        """Replace a message that was posted before; it raises what `post` raises."""
        channel, ts = self._place(ref)
        blocks = [block.to_dict() for block in blocks_of(message, ())]
        await self._call("chat.update", channel=channel, ts=ts, text=plain_of(message, ()), blocks=blocks)

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

    async def _call(self, method: str, **arguments: object) -> AsyncSlackResponse:
        if self._client.session is None:
            self._client.session = aiohttp.ClientSession(timeout=self._timeout)
        body = {name: value for name, value in arguments.items() if value is not None}
        try:
            return await self._client.api_call(method, json=body)
        except SlackApiError as error:
            raise self._named(error.response) from error
        except (TimeoutError, aiohttp.ClientError) as error:
            raise Unreachable(what=self._what, why=str(error) or type(error).__name__) from error

    def _named(self, answer: object) -> BackoutError:
        if not isinstance(answer, AsyncSlackResponse):
            return Unreachable(what=self._what, why="its answer was not JSON")
        data = answer.data if isinstance(answer.data, dict) else {}
        code = str(data.get("error", ""))
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS or code == "ratelimited":
            return RateLimited(what=self._what, retry_after_s=_pause_s(answer.headers))
        if code in _PASSING or not code or answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Unreachable(what=self._what, why=f"it answered {answer.status_code} {code}".rstrip())
        needed = f" (needed: {data['needed']})" if "needed" in data else ""
        advice = f": {_ADVICE[code]}" if code in _ADVICE else ""
        return RejectedBySystem(what=self._what, why=f"{code}{advice}{needed}")


def _pause_s(headers: Mapping[str, str]) -> float:
    said = headers.get("Retry-After", "")
    return max(_PAUSE_S, float(said)) if said.isdigit() else _PAUSE_S
