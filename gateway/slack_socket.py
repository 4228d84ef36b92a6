"""Slack's Socket Mode: the gateway opens the connection, so nothing of it has to be reachable from outside.

Whoever holds the app-level token is Slack's partner on this connection, so what comes over it needs no
signature. Each message is acknowledged with its answer, once what it asks for is done or refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import uuid4

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

from gateway.metrics import Metrics
from gateway.slack_answers import Answer, told
from gateway.slack_desk import LARGEST, SlackDesk

CONNECT_S = 10.0
"""Seconds that opening a connection may take."""
PING_S = 5.0
"""Seconds between pings; a connection that answers none of four is gone."""
LOOK_S = 0.5
"""Seconds between looks at the connection."""
GRACE_S = 1.5
"""Seconds for which a connection may be away: Slack asks now and then that it be opened anew."""
PAUSES_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds between attempts to connect; the last one is repeated."""
FINISH_S = 3.0
"""Seconds that what is being answered has when the gateway stops."""

_log = logging.getLogger(__name__)
_quiet = logging.getLogger(f"{__name__}.sdk")
# The SDK's own words have the address with the connection's ticket in them, which lets anybody in.
_quiet.setLevel(logging.CRITICAL + 1)


class _Envelope(BaseModel):
    """What everything that wants an answer comes in."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    envelope_id: Annotated[str, Field(min_length=1, max_length=200)]
    type: object = ""
    payload: object = None
    accepts_response_payload: object = False


class SlackSocket:
    """The second way in for commands, taps and forms: the same desk behind it as behind signed HTTP."""

    def __init__(self, *, app_token: str, api: str, desk: SlackDesk, metrics: Metrics) -> None:
        """Connect with the app-level token to the Slack whose Web API is at `api`."""
        self._app_token = app_token
        self._api = api
        self._desk = desk
        self._metrics = metrics
        self._answering: set[asyncio.Task[Any]] = set()
        self.is_connected = False
        """Whether Slack reaches us now."""

    async def run(self) -> None:
        """Stay connected until cancelled."""
        failures = 0
        while True:
            try:
                async with self._connected() as client:
                    failures = 0
                    while await _is_up(client):  # noqa: ASYNC110  # the SDK sets no event
                        await asyncio.sleep(LOOK_S)
                _log.warning("Slack's socket is closed; it is opened again")
            except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError) as error:
                failures += 1
                self._metrics.slack.connections.labels(result="failed").inc()
                _log.warning("Slack's socket cannot be opened: %s", _why(error))
            await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[SocketModeClient]:
        web = AsyncWebClient(base_url=self._api, logger=_quiet, retry_handlers=[])
        # The SDK would go on for ever with an address that has expired; so we open each connection ourselves.
        client = SocketModeClient(
            self._app_token,
            logger=_quiet,
            web_client=web,
            auto_reconnect_enabled=False,
            ping_interval=PING_S,
        )
        client.message_listeners.append(self._heard)
        try:
            async with asyncio.timeout(CONNECT_S):
                client.wss_uri = await client.issue_new_wss_url()
                await client.connect()  # type: ignore[no-untyped-call]  # the SDK's
            self._say(is_connected=True)
            yield client
        finally:
            self._say(is_connected=False)
            if self._answering:
                await asyncio.wait(self._answering, timeout=FINISH_S)
            await client.close()  # type: ignore[no-untyped-call]  # the SDK's

    def _say(self, *, is_connected: bool) -> None:
        self.is_connected = is_connected
        self._metrics.slack.connected.set(is_connected)
        if is_connected:
            self._metrics.slack.connections.labels(result="opened").inc()
            _log.info("Slack's socket is open")

    async def _heard(
        self, client: AsyncBaseSocketModeClient, message: dict[str, Any], raw: str | None
    ) -> None:
        try:
            envelope = _Envelope.model_validate(message)
        except ValidationError:
            # Slack's greeting, or what has nobody who waits for an answer.
            return
        answering = asyncio.create_task(self._acknowledge(client, envelope, size=len(raw or "")))
        self._answering.add(answering)
        answering.add_done_callback(self._answering.discard)
        await answering

    async def _acknowledge(
        self, client: AsyncBaseSocketModeClient, envelope: _Envelope, *, size: int
    ) -> None:
        """Answer, and send the answer: a gateway that stops keeps the connection until it is out."""
        answer = await self._answered(envelope, size=size)
        acknowledged: dict[str, object] = {"envelope_id": envelope.envelope_id}
        if answer.body and envelope.accepts_response_payload is True:
            acknowledged["payload"] = answer.body
        await client.send_socket_mode_response(acknowledged)

    async def _answered(self, envelope: _Envelope, *, size: int) -> Answer:
        try:
            return await self._told(envelope, size=size)
        except Exception as error:  # noqa: BLE001  # the edge of the process: somebody waits for an answer
            fault = uuid4().hex
            _log.error("Fault %s at Slack's socket", fault, exc_info=error)
            return told(f"Internal error {fault}; the gateway's log has it under this id.")

    async def _told(self, envelope: _Envelope, *, size: int) -> Answer:
        match envelope.type:
            case "slash_commands" if size > LARGEST:
                return told(f"The command is above {LARGEST} bytes. Nothing was done.")
            case "slash_commands":
                return await self._desk.command(envelope.payload)
            case "interactive":
                return await self._desk.interaction(envelope.payload, size=size)
            case _:
                return Answer()


async def _is_up(client: SocketModeClient) -> bool:
    """Say whether the connection stands, or is back after a moment: Slack asks for a new one now and then."""
    if await client.is_connected():
        return True
    await asyncio.sleep(GRACE_S)
    return await client.is_connected()


def _why(error: Exception) -> str:
    """Return what is wrong, without the address: it would have the connection's ticket in it."""
    if isinstance(error, SlackApiError):
        return f"Slack says '{error.response.get('error')}' (see gateway.slack.app_token)"
    return (
        f"no connection within {CONNECT_S:g} s" if isinstance(error, TimeoutError) else type(error).__name__
    )
