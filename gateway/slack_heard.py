"""What Slack sends: slash commands, taps on buttons and submitted forms; the rest is passed over.

Over HTTP and through the socket it is the same JSON. Every length is bounded before anything is done with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backout.errors import InteractionUnreadable

MOST_ACTIONS = 1
"""Slack tells of one tap at a time."""
DOUBLED_S = 10
"""Seconds for which the same button is tapped once; later it acts again, as old pages keep their buttons."""

Id = Annotated[str, Field(min_length=1, max_length=80)]
Trigger = Annotated[str, Field(min_length=1, max_length=200)]
ResponseUrl = Annotated[str, Field(max_length=500)]

M = TypeVar("M", bound=BaseModel)


class _Heard(BaseModel):
    """The fields that we do not need are passed over; text is no number and a number no text."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class SlashCommand(_Heard):
    """What somebody typed."""

    command: Annotated[str, Field(pattern=r"^/\S+$", max_length=80)]
    text: Annotated[str, Field(max_length=10_000)] = ""
    user_id: Id
    trigger_id: Trigger
    """Unique per intent: a command that is delivered twice is one act."""


class _User(_Heard):
    id: Id


class Pressed(_Heard):
    """The button that was tapped."""

    action_id: Annotated[str, Field(min_length=1, max_length=255)]
    value: Annotated[str, Field(max_length=2000)] = ""
    """Empty for a link."""
    action_ts: Annotated[str, Field(max_length=40)] = ""
    """When it was tapped, in seconds, as Slack counts them."""

    @property
    def moment(self) -> str:
        """Which stretch of time the tap is in: the same for a doubled tap, another for one much later."""
        seconds = self.action_ts.partition(".")[0]
        return str(int(seconds) // DOUBLED_S) if seconds.isdecimal() else ""


class Tap(_Heard):
    """Somebody tapped a button."""

    user: _User
    trigger_id: Trigger
    response_url: ResponseUrl = ""
    """Where the person who tapped can be answered, and nobody else; for 30 minutes."""
    actions: Annotated[tuple[Pressed, ...], Field(min_length=1, max_length=MOST_ACTIONS, strict=False)]

    @property
    def pressed(self) -> Pressed:
        """The button."""
        return self.actions[0]


class _Entry(_Heard):
    """What one field of a form holds: text, or the option that was selected."""

    class Option(_Heard):
        """An option of a select."""

        value: Annotated[str, Field(max_length=150)]

    value: Annotated[str, Field(max_length=10_000)] | None = None
    selected_option: Option | None = None

    @property
    def text(self) -> str:
        """What was entered; empty where nothing was."""
        return self.value or (self.selected_option.value if self.selected_option else "")


class _State(_Heard):
    values: Annotated[dict[str, dict[str, _Entry]], Field(max_length=20)] = {}


class _View(_Heard):
    id: Id
    callback_id: Annotated[str, Field(max_length=255)] = ""
    private_metadata: Annotated[str, Field(max_length=3000)] = ""
    state: _State = _State()


class Submission(_Heard):
    """Somebody submitted a form."""

    user: _User
    view: _View

    @property
    def entries(self) -> Mapping[str, str]:
        """What was entered, by the block of each field; a block of ours has one field."""
        return {
            block: entry.text for block, fields in self.view.state.values.items() for entry in fields.values()
        }


class _Kind(_Heard):
    type: Annotated[str, Field(max_length=80)]


class PassedOver(_Heard):
    """A closed form, a shortcut, or what Slack thinks of next year: it asks nothing of us."""

    kind: Literal["passed over"] = "passed over"


def slash_command(raw: object) -> SlashCommand:
    """Read a slash command. `InteractionUnreadable`: it is none; the message says where to look."""
    return _fitted(raw, SlashCommand, "slash command")


def interaction(raw: object) -> Tap | Submission | PassedOver:
    """Read an interaction. `InteractionUnreadable`: it is none; the message says where to look."""
    match _fitted(raw, _Kind, "interaction").type:
        case "block_actions":
            return _fitted(raw, Tap, "tap on a button")
        case "view_submission":
            return _fitted(raw, Submission, "form")
        case _:
            return PassedOver()


def is_form(raw: object) -> bool:
    """Say whether somebody looks at a form and waits for what comes of it."""
    return isinstance(raw, Mapping) and raw.get("type") == "view_submission"


def response_url(raw: object) -> str:
    """Return where the sender of what cannot be read may be answered; empty without such a place."""
    found = raw.get("response_url") if isinstance(raw, Mapping) else None
    return found if isinstance(found, str) else ""


def _fitted(raw: object, model: type[M], what: str) -> M:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        found = {".".join(str(part) for part in one["loc"][:3]) or "all of it" for one in error.errors()}
        deepest = sorted(place for place in found if not any(one.startswith(f"{place}.") for one in found))
        raise InteractionUnreadable(what=what, places=", ".join(deepest[:5])) from None
