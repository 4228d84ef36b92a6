"""Buttons and forms, as they travel through Slack: what was shown comes back as it was, or is refused."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import Field, ValidationError

from backout.errors import UnknownName, ValueUnreadable
from backout.messages import Button
from backout.model import Frozen
from backout.people import Action

PREFIX = "backout:"
"""Every action id of ours begins so; the action follows, and what tells two buttons of it apart."""
FORM = "backout:form"
"""The callback id of the form that asks for a reason."""
REASON_BLOCK, SEVERITY_BLOCK = "reason", "severity"
"""The blocks of its fields; each has one field."""

F = TypeVar("F", bound=Frozen)


class _Value(Frozen):
    """What a button's value says; its action is in the action id."""

    incident: Annotated[str, Field(min_length=1, max_length=300)]
    code: Annotated[str, Field(max_length=80)] = ""
    seen: Annotated[int, Field(ge=0)] = 0
    run: Annotated[str, Field(max_length=80)] = ""


class Form(Frozen):
    """What a form carries while somebody fills it in."""

    button: Button
    respond_to: str = ""
    """The response_url of the tap that opened it."""


def action_id_of(button: Button) -> str:
    """Return the action id, such as `backout:approve:4f1a2b3c`."""
    return f"{PREFIX}{button.action.value}" + (f":{button.code}" if button.code else "")


def value_of(button: Button) -> str:
    """Return what the button brings back."""
    return _Value(
        incident=button.incident, code=button.code, seen=button.seen, run=button.run
    ).model_dump_json(exclude_defaults=True)


def button_of(action_id: str, value: str) -> Button:
    """Return the button that was tapped.

    Raises:
        UnknownName: there is no such action.
        ValueUnreadable: the value is none of ours.
    """
    name = action_id.removeprefix(PREFIX).partition(":")[0]
    if not action_id.startswith(PREFIX) or name not in set(Action):
        raise UnknownName(kind="button", name=action_id[:80], known=(f"{PREFIX}{one}" for one in Action))
    value_ = _read(value, _Value, "button")
    return Button(action=Action(name), **value_.model_dump())


def metadata_of(form: Form) -> str:
    """Return what the form brings back."""
    shown = {"label", "style", "confirm"}
    return form.model_dump_json(exclude_defaults=True, exclude={"button": shown})


def form_of(callback_id: str, metadata: str) -> Form:
    """Return the form that was submitted. `UnknownName`, `ValueUnreadable`: it is none of ours."""
    if callback_id != FORM:
        raise UnknownName(kind="form", name=callback_id[:80], known=(FORM,))
    return _read(metadata, Form, "form")


def _read(text: str, model: type[F], what: str) -> F:
    try:
        return model.model_validate_json(text, strict=True)
    except ValidationError:
        raise ValueUnreadable(what=what) from None
