"""What it means that Slack's Web API did not do something, and what to do about it."""

from __future__ import annotations

from http import HTTPStatus

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.channels.taking import LONGEST_PAUSE_S
from adapters.pauses import pause_s
from backout.errors import BackoutError, RateLimited, RejectedBySystem, Unreachable

_PAUSE_S = 1.0
"""What Slack's limit of one message a second and channel asks for, where it does not say itself."""
_PASSING = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
_ADVICE = {
    "account_inactive": "the bot is switched off; install the app again",
    "cannot_reply_to_message": "this message takes no replies",
    "cant_update_message": "the message was posted by somebody else",
    "channel_not_found": "the bot sees no such channel; use the channel's id (C...) and invite the bot",
    "exchanged_trigger_id": "another form was opened by the same tap",
    "expired_trigger_id": "Slack opens a form within three seconds of the tap only",
    "invalid_auth": "the token is not valid; use the app's bot token (xoxb-...)",
    "is_archived": "the channel is archived; name another one",
    "message_not_found": "the message is not there any more",
    "missing_scope": "the app lacks a scope; add it and install the app again",
    "no_such_subteam": "there is no such user group; use its id (S...)",
    "not_allowed_token_type": "a bot's token begins with xoxb-, an app's with xapp-",
    "not_authed": "no token was sent",
    "not_in_channel": "the bot is not in the channel; type /invite @<the bot> there",
    "restricted_action": "the workspace does not let the bot post there",
    "token_expired": "the token has expired; make a new one",
    "token_revoked": "the token was revoked; install the app again and use its new token",
}


def refusal(answer: object, *, what: str) -> BackoutError:
    """Return the error that an answer means; `what` names who answered.

    `RateLimited`: Slack wants a pause. `RejectedBySystem`: it will never do it, and the error says what to
    change. `Unreachable`: it has a failure of its own, and may do it later.
    """
    if not isinstance(answer, AsyncSlackResponse):
        return Unreachable(what=what, why="its answer was not JSON")
    data = answer.data if isinstance(answer.data, dict) else {}
    code = str(data.get("error", ""))
    if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS or code == "ratelimited":
        return RateLimited(what=what, retry_after_s=pause_asked(answer.headers.get("Retry-After", "")))
    if code in _PASSING or not code or answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unreachable(what=what, why=f"it answered {answer.status_code} {code}".rstrip())
    needed = f" (needed: {data['needed']})" if "needed" in data else ""
    advice = f": {_ADVICE[code]}" if code in _ADVICE else ""
    return RejectedBySystem(what=what, why=f"{code}{advice}{needed}")


def word_of(error: RejectedBySystem) -> str:
    """Return Slack's own word for a refusal, such as `message_not_found`; empty where it said none."""
    answer = error.__cause__.response if isinstance(error.__cause__, SlackApiError) else None
    data = answer.data if isinstance(answer, AsyncSlackResponse) else None
    return str(data.get("error", "")) if isinstance(data, dict) else ""


def pause_asked(said: str) -> float:
    """Return the seconds of Slack's Retry-After."""
    return pause_s(said, otherwise=_PAUSE_S, longest=LONGEST_PAUSE_S)
