"""The channel of the fake Slack, on the terminal: what is posted, what changes, and the buttons as words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from adapters.channels.plain import plain
from demo.slack.rooms import Rooms, SlackMessage

INCIDENTS = "C01INCIDENTS"
CHANNELS = {INCIDENTS: "incidents", "C02STATUS": "status-page"}
MEMBERS = {"U01ALICE": "alice", "U01BOB": "bob", "U01CAROL": "carol"}
_MOST_LINES = 6
"""Lines of a message that are shown; the others are counted."""
Say = Callable[[str, str], None]
"""Says a line, with its mark."""


class Channel:
    """Shows every message as it comes; of what changes, the headline and the buttons."""

    def __init__(self, rooms: Rooms, say: Say, people: Mapping[str, str]) -> None:
        """Watch these rooms; `people` has names by member ids."""
        self._names = rooms.names
        self._say = say
        self._people = people
        self._headlines: dict[str, tuple[str, str]] = {}
        rooms.watchers.append(self.show)

    def show(self, message: SlackMessage) -> None:
        """Show a message that was posted or changed."""
        title, *lines = self._lines(message)
        room = f"#{self._names.get(message.channel, message.channel)}"
        if message.thread_ts and not message.buttons:
            count = len(lines) + 1
            self._say(f"{room} ↳ {count} line{'s' if count > 1 else ''} of news in the thread", "✉")
            return
        headline = (title, _words(message))
        if self._headlines.get(message.ref) == headline:
            return
        self._headlines[message.ref] = headline
        self._say(f"{room} {'✎ ' if message.edits else '↳ ' if message.thread_ts else ''}{title}", "✉")
        for line in [] if message.edits else lines[:_MOST_LINES]:
            self._say(f"    {line}", " ")
        if (left := len(lines) - _MOST_LINES) > 0 and not message.edits:
            self._say(f"    … {left} more lines", " ")
        if headline[1]:
            self._say(f"    {headline[1]}", " ")

    def _lines(self, message: SlackMessage) -> list[str]:
        shown = [block for block in message.blocks if block["type"] in {"header", "section"}]
        text = "\n".join(block["text"]["text"] for block in shown) or message.text
        for member, name in self._people.items():
            text = text.replace(f"<@{member}>", f"@{name}")
        return [line for line in plain(text).split("\n") if line.strip()] or [""]


def _words(message: SlackMessage) -> str:
    return " ".join(f"[{button['text']['text']}]" for button in message.buttons)
