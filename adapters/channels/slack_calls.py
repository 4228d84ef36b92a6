"""What the Slack door asks of Slack: forms, a word to one person, the members of a user group."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import InputBlock, Option, PlainTextInputElement, StaticSelectElement
from slack_sdk.models.views import View
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.channels.slack_refusals import pause_asked, refusal, word_of
from backout.addressing import short_of
from backout.buttons import FORM, REASON_BLOCK, SEVERITY_BLOCK, Form, metadata_of
from backout.errors import RateLimited, RejectedBySystem, Unreachable
from backout.messages import Button
from backout.people import LONGEST_REASON, Action
from backout.severity import Severity

TIMEOUT_S = 5.0
_WHAT = "Slack"


class SlackCallsWeb:
    """Calls the Web API with the bot's token, and the response_urls that Slack gives with a tap."""

    def __init__(self, token: str | None, api: str = "https://slack.com/api/") -> None:
        """Without a token people can still be answered, but no form opens and no group is known."""
        self._token = token
        self._origins = {("https", "hooks.slack.com"), ("https", "hooks.slack-gov.com"), _origin(api)}
        self._client = AsyncWebClient(token=token, base_url=api, retry_handlers=[])
        self._http: aiohttp.ClientSession | None = None

    async def open_form(self, *, trigger: str, button: Button, respond_to: str) -> None:
        """Open the form that asks for the reason of what a button does."""
        view = _form(button, respond_to)
        try:
            await self._call("views.open", json={"trigger_id": trigger, "view": view.to_dict()})
        except RejectedBySystem as error:
            # Slack told us of the tap once more: its form is open already.
            if word_of(error) != "exchanged_trigger_id":
                raise

    async def respond(self, *, url: str, text: str) -> None:
        """Say something to the person who tapped, and to nobody else."""
        if _origin(url) not in self._origins:
            raise RejectedBySystem(what=_WHAT, why="the address to answer at is not Slack's")
        body = {"response_type": "ephemeral", "replace_original": False, "text": text}
        try:
            async with self._session().post(url, json=body, allow_redirects=False) as answer:
                status, pause = answer.status, answer.headers.get("Retry-After", "")
        except (TimeoutError, aiohttp.ClientError) as error:
            raise Unreachable(what=_WHAT, why=type(error).__name__) from error
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise RateLimited(what=_WHAT, retry_after_s=pause_asked(pause))
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unreachable(what=_WHAT, why=f"it answered {status}")
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise RejectedBySystem(what=_WHAT, why=f"the address to answer at is used up or gone ({status})")

    async def members_of(self, *, group: str) -> tuple[str, ...]:
        """Return the member ids of a user group."""
        # What only reads takes no JSON.
        answer = await self._call("usergroups.users.list", http_verb="GET", params={"usergroup": group})
        members = answer.get("users")
        if not isinstance(members, list):
            raise RejectedBySystem(what=_WHAT, why=f"its answer has no members of the group {group}")
        return tuple(str(member) for member in members)

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        if self._http is not None:
            await self._http.close()

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        return self._http

    async def _call(self, method: str, **how: Any) -> AsyncSlackResponse:  # noqa: ANN401  # as the SDK takes it
        if self._token is None:
            raise RejectedBySystem(what=_WHAT, why="the site file names no bot token (gateway.slack.token)")
        self._client.session = self._session()
        try:
            return await self._client.api_call(method, **how)
        except SlackApiError as error:
            raise refusal(error.response, what=_WHAT) from error
        except (TimeoutError, aiohttp.ClientError) as error:
            raise Unreachable(what=_WHAT, why=str(error) or type(error).__name__) from error


def _origin(url: str) -> tuple[str, str]:
    """Return what tells whose an address is; one that is none is nobody's."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.hostname or ""


def _form(button: Button, respond_to: str) -> View:
    reason = InputBlock(
        block_id=REASON_BLOCK,
        label="Text" if button.action is Action.NOTE else "Why",
        element=PlainTextInputElement(action_id="text", multiline=True, max_length=LONGEST_REASON),
    )
    severity = InputBlock(
        block_id=SEVERITY_BLOCK,
        label="Severity",
        element=StaticSelectElement(
            action_id="severity", options=[Option(value=one.value, text=one.value) for one in Severity]
        ),
    )
    verb = button.action.value.replace("_", " ").capitalize()
    return View(
        type="modal",
        callback_id=FORM,
        title=f"{verb} {short_of(button.incident)}"[:24],
        submit=verb[:24],
        close="Cancel",
        private_metadata=metadata_of(Form(button=button, respond_to=respond_to)),
        blocks=[severity, reason] if button.action is Action.SEVERITY else [reason],
    )
