"""What the Slack door answers: the body of the answer itself, and what is said to one person beside it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from backout.errors import BackoutError, RateLimited, Unreachable
from backout.ports import SlackCalls
from backout.rendering import escape_mrkdwn
from gateway.metrics import Metrics

LONGEST_TEXT = 3000
"""Characters that one answer shows at most."""
LONGEST_ERROR = 1000
"""Characters that a form shows below a field."""
PAUSES_S = (1.0, 5.0, 20.0)
"""Seconds between attempts to tell somebody what came of a tap: Slack takes five answers in 30 minutes."""
CLOSE_S = 5.0
"""Seconds that what is still to be said has when the gateway stops."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What goes back. The body is the same over both transports; without one it is a bare 'heard'."""

    body: Mapping[str, object] = field(default_factory=dict)
    whisper: str = ""
    """What is told to the person alone, at `to`, once the answer is out."""
    to: str = ""
    """Slack's response_url of what they tapped."""
    problem: str = ""
    """Why it was no command and no interaction at all; empty where it was one."""


def told(text: str) -> Answer:
    """Answer a command with a text that only the person who typed it sees."""
    return Answer(body={"response_type": "ephemeral", "text": shown(text)})


def corrected(block: str, text: str) -> Answer:
    """Answer a form by keeping it open, with what is wrong below a field. It is plain text there."""
    return Answer(body={"response_action": "errors", "errors": {block: _cut(text, LONGEST_ERROR)}})


def noticed(text: str) -> Answer:
    """Show what is wrong in the place of a form that cannot be read: closed, it would look taken."""
    block = {"type": "section", "text": {"type": "plain_text", "text": _cut(text, LONGEST_TEXT)}}
    title = {"type": "plain_text", "text": "Nothing was done"}
    return Answer(
        body={"response_action": "update", "view": {"type": "modal", "title": title, "blocks": [block]}}
    )


def shown(text: str) -> str:
    """Return a text as Slack may show it: neither mentions nor links come from outside."""
    return escape_mrkdwn(_cut(text, LONGEST_TEXT))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


class Whispers:
    """Tells people what came of their taps, beside the answer that Slack waits for."""

    def __init__(self, slack: SlackCalls, metrics: Metrics) -> None:
        """Speak through this Slack."""
        self._slack = slack
        self._metrics = metrics
        self._under_way: set[asyncio.Task[None]] = set()

    def say(self, answer: Answer) -> None:
        """Begin to tell what an answer has to tell; nothing waits for it."""
        if not (answer.whisper and answer.to):
            return
        task = asyncio.create_task(self._tell(answer.to, answer.whisper), name="slack whisper")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def aclose(self) -> None:
        """Let what is under way end, for a while."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=CLOSE_S)
        for task in self._under_way:
            task.cancel()

    async def _tell(self, url: str, text: str) -> None:
        why = ""
        for pause in (*PAUSES_S, 0.0):
            try:
                await self._slack.respond(url=url, text=shown(text))
            except (Unreachable, RateLimited) as error:
                why = str(error)
                await asyncio.sleep(max(pause, error.retry_after_s if isinstance(error, RateLimited) else 0))
            except BackoutError as error:
                why = str(error)
                break
            else:
                self._metrics.slack.whispers.labels(result="told").inc()
                return
        # What was done stands on the timeline; only the receipt is lost.
        _log.warning("Nobody heard what came of a tap: %s", why)
        self._metrics.slack.whispers.labels(result="lost").inc()
