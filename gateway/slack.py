"""Slack over signed HTTP: what it posts is believed if Slack signed it just now, and goes to the desk."""

from __future__ import annotations

from urllib.parse import parse_qsl

from slack_sdk.signature import SignatureVerifier
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from backout.errors import InvalidDocument
from gateway.bodies import KIB, read_body, said
from gateway.metrics import Metrics
from gateway.slack_answers import Answer
from gateway.slack_desk import LARGEST, SlackDesk

LARGEST_COMMAND = 64 * KIB
"""Bytes of a slash command."""
FORM = "application/x-www-form-urlencoded"


class SlackDoor:
    """Slack's commands, taps and forms, as it posts them."""

    def __init__(self, *, verifier: SignatureVerifier, desk: SlackDesk, metrics: Metrics) -> None:
        """Believe what `verifier` believes."""
        self._verifier = verifier
        self._desk = desk
        self._metrics = metrics

    async def command(self, request: Request) -> Response:
        """Answer one slash command."""
        body = await read_body(request, media_type=FORM, limit=LARGEST_COMMAND)
        form = _form(body)
        if form.get("ssl_check") == "1" and "command" not in form:
            # Slack looks at the certificate now and then; the ping asks for nothing and need not be signed.
            return Response(status_code=200)
        if not self._is_genuine(body, request):
            self._metrics.slack.commands.labels(verb="", result="forged").inc()
            return Response(status_code=401)
        return _response(await self._desk.command(form))

    async def interaction(self, request: Request) -> Response:
        """Answer one tap, form or shortcut."""
        # Each byte of the JSON takes up to three in the form.
        body = await read_body(request, media_type=FORM, limit=3 * LARGEST)
        if not self._is_genuine(body, request):
            self._metrics.slack.interactions.labels(kind="", action="", result="forged").inc()
            return Response(status_code=401)
        payload = _form(body).get("payload", "").encode()
        return _response(await self._desk.interaction(_json(payload), size=len(payload)))

    def _is_genuine(self, body: bytes, request: Request) -> bool:
        try:
            return self._verifier.is_valid_request(body, dict(request.headers))
        except (ValueError, TypeError):
            # The verifier does not expect a timestamp or signature that is none.
            return False


def _json(payload: bytes) -> object:
    """Return what JSON says; nothing where it is none."""
    try:
        return said(payload)
    except InvalidDocument:
        return None


def _form(body: bytes) -> dict[str, str]:
    """Read a form; one that cannot be read is empty."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100))
    except ValueError:
        return {}


def _response(answer: Answer) -> Response:
    if answer.problem:
        raise HTTPException(400, answer.problem)
    return JSONResponse(answer.body) if answer.body else Response(status_code=200)
