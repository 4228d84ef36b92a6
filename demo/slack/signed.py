"""The signed HTTP transport: Slack's requests to an app's addresses."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from urllib.parse import urlencode

import aiohttp
from slack_sdk.signature import SignatureVerifier

from demo.slack.reactions import WITHIN_S, Answered
from demo.slack.rooms import Shape

FORM = "application/x-www-form-urlencoded"


class SignedHttp:
    """Delivers to an app's addresses, each request signed with its signing secret."""

    def __init__(self, *, signing_secret: str, commands: str, interactions: str) -> None:
        self._secret = signing_secret
        self._urls = {"slash_commands": commands, "interactive": interactions}

    async def deliver(
        self, kind: str, payload: Shape, *, attempt: int = 0, reason: str = "http_timeout"
    ) -> Answered:
        """Deliver something; `attempt` counts the repeats, and `reason` says why there is one."""
        body = urlencode(payload if kind == "slash_commands" else {"payload": json.dumps(payload)})
        retry = {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason} if attempt else {}
        return await self.send(kind, body.encode(), headers=retry)

    async def send(
        self,
        kind: str,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        secret: str | None = None,
        age_s: float = 0.0,
    ) -> Answered:
        """Send raw bytes, signed by this or by another secret, now or so long ago.

        `headers` replace those that a genuine request has.
        """
        at = str(int(time.time() - age_s))
        signature = SignatureVerifier(secret or self._secret).generate_signature(timestamp=at, body=body)
        genuine = {
            "Content-Type": FORM,
            "X-Slack-Request-Timestamp": at,
            "X-Slack-Signature": signature or "",
        }
        patience = aiohttp.ClientTimeout(total=WITHIN_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=patience) as http,
                http.post(self._urls[kind], data=body, headers={**genuine, **(headers or {})}) as response,
            ):
                return _read(response.status, await response.text())
        except (TimeoutError, aiohttp.ClientError):
            return Answered(status=None)


def _read(status: int, text: str) -> Answered:
    try:
        payload = json.loads(text)
    except ValueError:
        payload = {}
    return Answered(status=status, text=text, payload=payload if isinstance(payload, dict) else {})
