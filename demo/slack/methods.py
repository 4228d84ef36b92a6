"""The methods of Slack's Web API that Backout calls, each with Slack's own refusals."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from demo.slack.blocks import refused_blocks, refused_view
from demo.slack.reactions import WITHIN_S
from demo.slack.rooms import Shape, SlackSaysNo

if TYPE_CHECKING:
    from demo.slack.server import FakeSlack

Arguments = Mapping[str, Any]
_PAGE = 200


def auth_test(slack: FakeSlack, _given: Arguments) -> Shape:
    """Say who the bot is."""
    return {
        "user": "backout",
        "user_id": "U0BOT",
        "bot_id": "B0BOT",
        "team": slack.team,
        "team_id": "T01FAKE",
    }


def post_message(slack: FakeSlack, given: Arguments) -> Shape:
    """Post a message into a channel, below another message, or to a member."""
    to = str(given.get("channel", ""))
    message = slack.rooms.post(
        _conversation(slack, to) if to in slack.members else to,
        str(given.get("text", "")),
        _blocks(given),
        thread_ts=given.get("thread_ts"),
        metadata=_metadata(given),
    )
    return {"channel": message.channel, "ts": message.ts, "message": message.shape()}


def post_ephemeral(slack: FakeSlack, given: Arguments) -> Shape:
    """Show a text to one member only."""
    _blocks(given)
    if given.get("channel") not in slack.rooms.names:
        raise SlackSaysNo(error="channel_not_found")
    slack.show(str(given.get("user", "")), str(given.get("text", "")))
    return {"message_ts": f"{time.time():.6f}"}


def update(slack: FakeSlack, given: Arguments) -> Shape:
    """Replace a message."""
    message = slack.rooms.update(
        str(given.get("channel", "")), str(given.get("ts", "")), str(given.get("text", "")), _blocks(given)
    )
    return {"channel": message.channel, "ts": message.ts, "text": message.text}


def open_conversation(slack: FakeSlack, given: Arguments) -> Shape:
    """Open the direct messages with a member."""
    user = str(given.get("users", ""))
    if user not in slack.members:
        raise SlackSaysNo(error="user_not_found")
    return {"channel": {"id": _conversation(slack, user)}}


def _conversation(slack: FakeSlack, user: str) -> str:
    """Return the channel of the direct messages with a member."""
    channel = f"D{user[1:]}"
    slack.rooms.names[channel] = slack.members[user]
    return channel


def history(slack: FakeSlack, given: Arguments) -> Shape:
    """Return a channel's newest messages."""
    found = slack.rooms.history(str(given.get("channel", "")), float(given.get("oldest") or 0))
    return _page([one.shape(metadata=_yes(given, "include_all_metadata")) for one in found], given)


def replies(slack: FakeSlack, given: Arguments) -> Shape:
    """Return a message and what is below it."""
    found = slack.rooms.thread(
        str(given.get("channel", "")), str(given.get("ts", "")), float(given.get("oldest") or 0)
    )
    return _page([one.shape(metadata=_yes(given, "include_all_metadata")) for one in found], given)


def open_view(slack: FakeSlack, given: Arguments) -> Shape:
    """Open a form for whoever did something less than three seconds ago."""
    view = _json(given, "view")
    if problems := refused_view(view):
        raise SlackSaysNo(error=problems[0], details=problems[1:])
    trigger = slack.triggers.get(str(given.get("trigger_id", "")))
    if trigger is None:
        raise SlackSaysNo(error="invalid_trigger_id")
    if trigger.used:
        raise SlackSaysNo(error="exchanged_trigger_id")
    if time.monotonic() > trigger.at_s + WITHIN_S:
        raise SlackSaysNo(error="expired_trigger_id")
    trigger.used = True
    shown = {"id": f"V{secrets.token_hex(5).upper()}", "hash": secrets.token_hex(5), **view}
    trigger.reaction.show(shown)
    return {"view": shown}


def group_members(slack: FakeSlack, given: Arguments) -> Shape:
    """Return the members of a user group."""
    group = str(given.get("usergroup", ""))
    if group not in slack.groups:
        raise SlackSaysNo(error="no_such_subteam")
    return {"users": list(slack.groups[group])}


def open_connection(slack: FakeSlack, _given: Arguments) -> Shape:
    """Return the address of a Socket Mode connection."""
    return {"url": f"{slack.address.replace('http', 'ws', 1)}/link?ticket={slack.socket.ticket()}"}


METHODS: dict[str, Callable[[FakeSlack, Arguments], Shape]] = {
    "auth.test": auth_test,
    "apps.connections.open": open_connection,
    "chat.postEphemeral": post_ephemeral,
    "chat.postMessage": post_message,
    "chat.update": update,
    "conversations.history": history,
    "conversations.open": open_conversation,
    "conversations.replies": replies,
    "usergroups.users.list": group_members,
    "views.open": open_view,
}

READS = frozenset({"conversations.history", "conversations.replies", "usergroups.users.list"})
"""Methods that take their arguments from the address or a form, and not from JSON."""


def _blocks(given: Arguments) -> list[Shape]:
    blocks: list[Shape] = _json(given, "blocks") if "blocks" in given else []
    if not blocks and not given.get("text"):
        raise SlackSaysNo(error="no_text")
    if problems := refused_blocks(blocks):
        raise SlackSaysNo(error=problems[0], details=problems[1:])
    return blocks


def _metadata(given: Arguments) -> Shape | None:
    if "metadata" not in given:
        return None
    metadata: Shape = _json(given, "metadata")
    if not (isinstance(metadata.get("event_type"), str) and isinstance(metadata.get("event_payload"), dict)):
        raise SlackSaysNo(error="invalid_metadata_format")
    return metadata


def _json(given: Arguments, name: str) -> Any:  # noqa: ANN401  # a JSON value, as Slack's clients send it
    """Return an argument that is JSON; in a form it is a text."""
    value = given.get(name)
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise SlackSaysNo(error="invalid_arguments", details=[f"[ERROR] {name} is no JSON"]) from None


def _yes(given: Arguments, name: str) -> bool:
    return str(given.get(name, "")).lower() in {"1", "true"}


def _page(found: list[Shape], given: Arguments) -> Shape:
    start, limit = int(given.get("cursor") or 0), min(int(given.get("limit") or 100), _PAGE)
    more = start + limit < len(found)
    return {
        "messages": found[start : start + limit],
        "has_more": more,
        "response_metadata": {"next_cursor": str(start + limit) if more else ""},
    }
