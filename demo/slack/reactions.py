"""What comes of something that a person did in Slack: the app's answer, and what the person is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from demo.slack.rooms import Shape

T = TypeVar("T")
WITHIN_S = 3.0
"""So long Slack waits for an answer; later ones do not count."""
SHOWN_WITHIN_S = 60.0
"""So long a person looks for what they are shown: the answer came in time, what is beside it may be late."""


@dataclass(frozen=True)
class Answered:
    """The app's answer to one delivery: an HTTP response, or a Socket Mode acknowledgement."""

    status: int | None
    """None: no answer came in time. An acknowledgement counts as 200."""
    text: str = ""
    payload: Shape = field(default_factory=dict)
    """The JSON in it; empty where it has none."""


@dataclass
class Reaction:
    """What came of something that a person did."""

    user: str
    kind: str
    """`slash_commands` or `interactive`."""
    payload: Shape
    """What was delivered."""
    answered: list[Answered] = field(default_factory=list)
    """One for each delivery."""
    said: list[str] = field(default_factory=list)
    """What the person was shown, and nobody else, in its order."""
    views: list[Shape] = field(default_factory=list)
    """Forms that were opened or changed for the person, in their order."""
    errors: dict[str, str] = field(default_factory=dict)
    """What is wrong with a form that was sent off, by block."""
    closed: bool = False
    """The form that was sent off was taken, and is closed."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def status(self) -> int | None:
        """The status of the last answer; None where it did not come in time."""
        return self.answered[-1].status

    def tell(self, text: str) -> None:
        """Show the person a text."""
        self.said.append(text)
        self._news.set()

    def show(self, view: Shape) -> None:
        """Show the person a form."""
        self.views.append(view)
        self._news.set()

    async def hears(self, within_s: float = SHOWN_WITHIN_S, *, after: int = 0) -> str:
        """Return the last text that the person is shown, once there is one. `TimeoutError`: none came.

        The first texts, `after` so many, are not it.
        """
        return await self._first(lambda: self.said[-1] if len(self.said) > after else None, within_s)

    async def form(self, within_s: float = SHOWN_WITHIN_S) -> Shape:
        """Return the form that the person sees, as soon as there is one. `TimeoutError`: none came."""
        return await self._first(lambda: self.views[-1] if self.views else None, within_s)

    async def _first(self, look: Callable[[], T | None], within_s: float) -> T:
        async with asyncio.timeout(within_s):
            while (found := look()) is None:
                self._news.clear()
                await self._news.wait()
            return found

    def take(self, answered: Answered) -> None:
        """Do with an answer what Slack's clients do."""
        self.answered.append(answered)
        if answered.status is None:
            self.tell("This failed: operation_timeout")
        elif answered.status >= 400:  # noqa: PLR2004  # HTTP's errors begin there
            self.tell("This failed: dispatch_failed")
        elif self.payload.get("type") == "view_submission":
            self._take_form(answered.payload)
        elif self.kind == "slash_commands" and (text := answered.payload.get("text") or answered.text):
            self.tell(str(text))

    def _take_form(self, payload: Shape) -> None:
        match payload.get("response_action"):
            case "errors":
                self.errors = payload["errors"]
                self._news.set()
            case "update" | "push":
                self.show(payload["view"])
            case _:
                self.closed = True
                self._news.set()


def state_of(view: Shape, values: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return the state of a form that was filled in; `values` are by block or action.

    Raises:
        LookupError: the form has no such field, or one that is not optional stays empty.
    """
    state: dict[str, dict[str, Any]] = {}
    left = dict(values)
    for number, block in enumerate(view["blocks"]):
        if block["type"] != "input":
            continue
        element, block_id = block["element"], block.get("block_id", f"b{number}")
        value = left.pop(block_id, None) or left.pop(element["action_id"], None)
        if not value and not block.get("optional", False):
            msg = f"the form does not let go without '{block['label']['text']}'"
            raise LookupError(msg)
        state[block_id] = {element["action_id"]: {"type": element["type"], "value": value}}
    if left:
        msg = f"the form has no field {', '.join(sorted(left))}"
        raise LookupError(msg)
    return state
