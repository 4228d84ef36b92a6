"""Channels and their messages, as Slack keeps them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Shape = dict[str, Any]
"""JSON of Slack's: it is written down as it came."""


class SlackSaysNo(Exception):
    """Slack's word for why it does not do something, and the details."""

    def __init__(self, *, error: str, details: Sequence[str] = ()) -> None:
        super().__init__(error)
        self.error = error
        self.details = list(details)


@dataclass
class SlackMessage:
    """A message in a channel."""

    channel: str
    ts: str
    text: str
    blocks: list[Shape]
    thread_ts: str | None = None
    metadata: Shape | None = None
    edits: int = 0

    @property
    def ref(self) -> str:
        """What Backout calls it."""
        return f"{self.channel}:{self.ts}"

    @property
    def words(self) -> str:
        """Everything that can be read in it, a line for each block."""
        return "\n".join(text for block in self.blocks for text in _texts(block)) or self.text

    @property
    def buttons(self) -> list[Shape]:
        """Its buttons, each with the id of its block."""
        return [
            {**element, "block_id": block.get("block_id", f"b{number}")}
            for number, block in enumerate(self.blocks)
            if block["type"] == "actions"
            for element in block["elements"]
            if element["type"] == "button"
        ]

    def button(self, name: str) -> Shape:
        """Return a button by its words or the end of its action id. Unknown: `LookupError`."""
        for button in self.buttons:
            action_id = button["action_id"]
            if name in (button["text"]["text"], action_id, action_id.partition(":")[2]):
                return button
        known = ", ".join(button["text"]["text"] for button in self.buttons) or "none"
        msg = f"message {self.ref} has no button '{name}'; it has: {known}"
        raise LookupError(msg)

    def shape(self, *, metadata: bool = False) -> Shape:
        """Return it as Slack's answers have it."""
        shape: Shape = {
            "type": "message",
            "ts": self.ts,
            "channel": self.channel,
            "user": "U0BOT",
            "bot_id": "B0BOT",
            "app_id": "A01APP",
            "text": self.text,
            "blocks": self.blocks,
        }
        if self.thread_ts:
            shape["thread_ts"] = self.thread_ts
        if self.edits:
            shape["edited"] = {"user": "U0BOT", "ts": self.ts}
        if metadata and self.metadata:
            shape["metadata"] = self.metadata
        return shape


def _texts(block: Shape) -> list[str]:
    match block["type"]:
        case "header" | "section":
            return [block["text"]["text"]]
        case "context":
            return [element["text"] for element in block["elements"] if "text" in element]
        case "actions":
            return [" ".join(f"[{element['text']['text']}]" for element in block["elements"])]
    return []


@dataclass
class Rooms:
    """All channels. `watchers` hear of each message that was posted or changed."""

    names: dict[str, str]
    """The channels that the bot is in: names by ids."""
    messages: list[SlackMessage] = field(default_factory=list)
    watchers: list[Callable[[SlackMessage], None]] = field(default_factory=list)
    _last: int = 0

    def post(self, channel: str, text: str, blocks: list[Shape], **more: Any) -> SlackMessage:  # noqa: ANN401  # SlackMessage's
        """Post a message."""
        if channel not in self.names:
            raise SlackSaysNo(error="channel_not_found")
        if more.get("thread_ts") and not any(
            known.ts == more["thread_ts"] and known.channel == channel for known in self.messages
        ):
            raise SlackSaysNo(error="cannot_reply_to_message")
        message = SlackMessage(channel, self._ts(), text, blocks, **more)
        self.messages.append(message)
        self._tell(message)
        return message

    def update(self, channel: str, ts: str, text: str, blocks: list[Shape]) -> SlackMessage:
        """Replace a message."""
        if channel not in self.names:
            raise SlackSaysNo(error="channel_not_found")
        message = next((one for one in self.messages if (one.channel, one.ts) == (channel, ts)), None)
        if message is None:
            raise SlackSaysNo(error="message_not_found")
        message.text, message.blocks, message.edits = text, blocks, message.edits + 1
        self._tell(message)
        return message

    def history(self, channel: str, oldest: float) -> list[SlackMessage]:
        """Return the messages of a channel that are no answers, newest first."""
        if channel not in self.names:
            raise SlackSaysNo(error="channel_not_found")
        found = (one for one in self.messages if one.channel == channel and not one.thread_ts)
        return [one for one in reversed(list(found)) if float(one.ts) >= oldest]

    def thread(self, channel: str, ts: str, oldest: float = 0.0) -> list[SlackMessage]:
        """Return a message and the answers below it, oldest first."""
        found = [one for one in self.messages if one.channel == channel and ts in (one.ts, one.thread_ts)]
        if not any(one.ts == ts for one in found):
            raise SlackSaysNo(error="thread_not_found")
        return [one for one in found if one.ts == ts or float(one.ts) >= oldest]

    def find(self, ref: str) -> SlackMessage:
        """Return a message by what Backout calls it. Unknown: `LookupError`."""
        for message in self.messages:
            if message.ref == ref:
                return message
        msg = f"there is no message {ref}"
        raise LookupError(msg)

    def _tell(self, message: SlackMessage) -> None:
        for watcher in self.watchers:
            watcher(message)

    def _ts(self) -> str:
        """Return the next message's id: the time, and never the same twice."""
        self._last = max(self._last + 1, time.time_ns() // 1000)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06}"
