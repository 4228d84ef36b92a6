"""The Slack door: a signed slash command in, one call on the incidents, an answer within three seconds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from slack_sdk.signature import SignatureVerifier
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from backout.addressing import ListedIncident, short_of
from backout.commands import (
    Command,
    act_of,
    actor_of,
    address,
    help_text,
    list_text,
    parse,
    status_text,
)
from backout.errors import BackoutError, EngineDown, Unanswered
from backout.people import Action
from backout.rendering import escape_mrkdwn
from backout.site import Site
from gateway.bodies import KIB, read_body
from gateway.incidents import RESOLVE_AMONG, Incidents
from gateway.metrics import Metrics

LIST_S, ACT_S = 0.8, 1.8
"""Seconds for finding the incident and for the act itself: together below the three that Slack waits."""
LONGEST_TEXT = 3000
"""Characters that one answer shows at most."""


class SlashCommand(BaseModel):
    """What Slack posts; the fields that we do not need are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    command: Annotated[str, Field(pattern=r"^/\S+$", max_length=80)]
    text: str = ""
    user_id: Annotated[str, Field(min_length=1, max_length=80)]
    trigger_id: Annotated[str, Field(min_length=1, max_length=200)]
    """Unique per intent: a command that is delivered twice is one act."""


class SlackDoor:
    """Slack's slash commands. Whatever is wrong is told to the person who typed, and to nobody else."""

    def __init__(
        self, *, verifier: SignatureVerifier, incidents: Incidents, site: Site, metrics: Metrics
    ) -> None:
        """Believe what `verifier` believes; people are those of the site's directory."""
        self._verifier = verifier
        self._incidents = incidents
        self._site = site
        self._metrics = metrics

    async def command(self, request: Request) -> Response:
        """Answer one slash command."""
        body = await read_body(request, media_type="application/x-www-form-urlencoded", limit=64 * KIB)
        form = _form(body)
        if form.get("ssl_check") == "1" and "command" not in form:
            # Slack looks at the certificate now and then; the ping asks for nothing and need not be signed.
            return Response(status_code=200)
        if not self._is_genuine(body, request):
            self._metrics.slack_commands.labels(verb="", result="forged").inc()
            return Response(status_code=401)
        try:
            slash = SlashCommand.model_validate(form)
        except ValidationError as error:
            fields = ", ".join(str(problem["loc"][0]) for problem in error.errors())
            raise HTTPException(400, f"No slash command: look at {fields}.") from None
        return _ephemeral(await self._answer(slash))

    def _is_genuine(self, body: bytes, request: Request) -> bool:
        try:
            return self._verifier.is_valid_request(body, dict(request.headers))
        except (ValueError, TypeError):
            # The verifier does not expect a timestamp or signature that is none.
            return False

    async def _answer(self, slash: SlashCommand) -> str:
        verb, result = "", "done"
        try:
            command = parse(slash.text)
            verb = command.verb.name
            return await self._do(command, slash)
        except BackoutError as error:
            result = "unanswered" if isinstance(error, EngineDown | Unanswered) else "refused"
            return str(error)
        finally:
            self._metrics.slack_commands.labels(verb=verb, result=result).inc()

    async def _do(self, command: Command, slash: SlashCommand) -> str:
        if command.verb.does == "help":
            return help_text(slash.command)
        actor = actor_of(slash.user_id, self._site, at=datetime.now(UTC))
        listed: tuple[ListedIncident, ...] = ()
        if command.needs_list:
            listed = await self._incidents.listing(limit=RESOLVE_AMONG, open_only=False, within_s=LIST_S)
        if command.verb.does == "list":
            return list_text(listed)
        meant = address(command, listed)
        if not isinstance(command.verb.does, Action):
            return status_text(await self._incidents.view(incident=meant.incident, within_s=ACT_S))
        act = act_of(command, command.verb.does, meant, act_id=slash.trigger_id, actor=actor)
        receipt = await self._incidents.act(incident=meant.incident, act=act, within_s=ACT_S)
        return f"{short_of(meant.incident)}: {receipt.text}"


def _form(body: bytes) -> dict[str, str]:
    """Read a form; one that cannot be read is empty."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100))
    except ValueError:
        return {}


def _ephemeral(text: str) -> JSONResponse:
    shown = text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"
    return JSONResponse({"response_type": "ephemeral", "text": escape_mrkdwn(shown)})
