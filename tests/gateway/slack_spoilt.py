"""What can be wrong with a command, a tap and a form, and what its sender is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

from backout.buttons import Form, metadata_of, value_of
from backout.messages import Button
from backout.people import LONGEST_REASON, Action
from backout.view import IncidentView
from demo.slack.reactions import Reaction
from tests.gateway.running import eventually
from tests.gateway.slack_world import ALICE, CAROL, EVE, SlackWorld, a_button

Payload = dict[str, Any]
Kind = Literal["command", "tap", "form"]
KINDS: tuple[Kind, ...] = ("command", "tap", "form")
MUCH = "x" * 1_000_000


@dataclass(frozen=True)
class Scene:
    """The incidents that the table is about, each as it was when its notice waited for approval."""

    world: SlackWorld
    waiting: IncidentView
    """Its notice still waits."""
    late: IncidentView
    """Its notice was approved; another step runs now."""
    over: IncidentView
    """It has ended."""

    async def everything(self) -> list[tuple[int, IncidentView]]:
        """Return how all the incidents stand."""
        views = (self.waiting, self.late, self.over)
        return list(await asyncio.gather(*(self.world.stands(view.summary.incident) for view in views)))

    async def lengths(self) -> list[int]:
        """Return how long all the histories are."""
        views = (self.waiting, self.late, self.over)
        return list(await asyncio.gather(*(self.world.length(view.summary.incident) for view in views)))

    async def quiet(self) -> list[tuple[int, IncidentView]]:
        """Wait until the incidents do nothing more by themselves; return how they stand."""
        views = {view.summary.incident for view in (self.waiting, self.late, self.over)}

        async def are_quiet() -> list[tuple[int, IncidentView]]:
            before = await self.everything()
            waits = [await self.world.waits_shortly(incident) for incident in views]
            return before if not any(waits) and await self.everything() == before else []

        return await eventually(are_quiet)

    async def sound(self, kind: Kind) -> Reaction:
        """Return what would be done, if it were not spoilt: it decides on what waits."""
        people, ask = self.world.people, self.waiting.asks[0]
        if kind == "command":
            incident = self.waiting.summary
            text = f"approve {incident.service}/{incident.release} {ask.code}"
            return people.typing(ALICE, text)
        action = Action.APPROVE if kind == "tap" else Action.REJECT
        message = await self.world.message(a_button(self.waiting, action))
        tap = people.tapping(ALICE, message, action.value)
        if kind == "tap":
            return tap
        form = await (await people.deliver(tap)).form()
        return people.submitting(ALICE, form, {"reason": "the words are wrong"})


Spoil = Callable[[Payload, Scene], None]


@dataclass(frozen=True)
class Spoilt:
    """One thing that is wrong."""

    spoil: Spoil
    told: str
    """What the sender is told; empty where there is nobody who could be told in words."""


def says(text: str) -> Spoil:
    """Type another text; `{late}`, `{over}` and `{waiting}` stand for incidents, `{code}` for a code."""

    def spoil(payload: Payload, scene: Scene) -> None:
        names = {one: getattr(scene, one).summary.incident.removeprefix("incident/") for one in _SCENES}
        payload["text"] = text.format(code=scene.waiting.asks[0].code, **names)

    return spoil


_SCENES = ("waiting", "late", "over")


def puts(*place: str | int, value: object) -> Spoil:
    """Put a value in a place of the payload."""

    def spoil(payload: Payload, _: Scene) -> None:
        within: Any = payload
        for part in place[:-1]:
            within = within[part]
        within[place[-1]] = deepcopy(value)

    return spoil


def lacks(*place: str | int) -> Spoil:
    """Leave something out."""

    def spoil(payload: Payload, _: Scene) -> None:
        within: Any = payload
        for part in place[:-1]:
            within = within[part]
        del within[place[-1]]

    return spoil


def carries(change: Callable[[Scene], Button]) -> Spoil:
    """Let the tap or form be about another button."""

    def spoil(payload: Payload, scene: Scene) -> None:
        button = change(scene)
        if payload["type"] == "block_actions":
            payload["actions"][0]["value"] = value_of(button)
        else:
            payload["view"]["private_metadata"] = metadata_of(Form(button=button))

    return spoil


def about(scene_of: Callable[[Scene], IncidentView], action: Action, **changes: object) -> Spoil:
    """Let the tap or form be about another incident, or say something else of it."""
    return carries(lambda scene: a_button(scene_of(scene), action, **changes))


COMMANDS: Mapping[str, Spoilt] = {
    "an unauthorised person": Spoilt(puts("user_id", value=CAROL), "the roles of Carol are: none"),
    "an unknown person": Spoilt(puts("user_id", value=EVE), "Slack member U0EVE is not in the directory"),
    "a step that is over": Spoilt(says("approve {late} {code}"), "nothing waits for anybody to approve"),
    "an incident that is over": Spoilt(says("approve {over} {code}"), "is over; nothing can be done in it"),
    "an unknown incident": Spoilt(says("approve chat/none {code}"), "There is no incident"),
    "the code of another plan": Spoilt(says("approve {waiting} 0a1b2c3d"), "something else waits now"),
    "no code": Spoilt(says("approve {waiting}"), "say by its code what you approve"),
    "no reason": Spoilt(says("reject {waiting} {code}"), "reject needs a reason"),
    "a reason without an end": Spoilt(says("reject {waiting} {code} " + "x" * 2001), "is longer than"),
    "an unknown verb": Spoilt(says("explode {waiting}"), "Unknown command 'explode'"),
    "no person": Spoilt(lacks("user_id"), "No slash command: look at user_id"),
    "no trigger": Spoilt(lacks("trigger_id"), "No slash command: look at trigger_id"),
    "no command": Spoilt(lacks("command"), "No slash command: look at command"),
    "a trigger without an end": Spoilt(puts("trigger_id", value="t" * 201), "look at trigger_id"),
    "a text above every limit": Spoilt(says("note {waiting} " + "x" * 20_000), "look at text"),
}

_APPROVE, _REJECT = Action.APPROVE, Action.REJECT


def _of_both(action: Action) -> dict[str, Spoilt]:
    """Return what can be wrong with the button of a tap, and with the one that a form carries."""
    late = about(lambda scene: scene.late, action)
    over = about(lambda scene: scene.over, action)
    code = about(lambda scene: scene.waiting, action, code="0a1b2c3d")
    none = about(lambda scene: scene.waiting, action, code="")
    run = about(lambda scene: scene.waiting, action, run="3f1c0b0e-0000-4000-8000-000000000000")
    unknown = about(lambda scene: scene.waiting, action, incident="incident/chat/none")
    other = about(lambda scene: scene.waiting, action, incident="watch/chat/waiting")
    return {
        "an unauthorised person": Spoilt(puts("user", "id", value=CAROL), "the roles of Carol are: none"),
        "an unknown person": Spoilt(puts("user", "id", value=EVE), "U0EVE is not in the directory"),
        "no person": Spoilt(lacks("user"), "look at user"),
        "a number for a person": Spoilt(puts("user", "id", value=7), "look at user.id"),
        "a step that is over": Spoilt(late, f"nothing waits for anybody to {action.value}"),
        "an incident that is over": Spoilt(over, "is over; nothing can be done in it"),
        "an earlier incident of the release": Spoilt(run, "is over; nothing can be done in it"),
        "an unknown incident": Spoilt(unknown, "There is no incident"),
        "what is no incident": Spoilt(other, "There is no incident"),
        "the code of another plan": Spoilt(code, "something else waits now"),
        "no code": Spoilt(none, f"say by its code what you {action.value}"),
    }


_TAPPED, _VALUE = ("actions", 0), ("actions", 0, "value")
TAPS: Mapping[str, Spoilt] = _of_both(_APPROVE) | {
    "an unknown action": Spoilt(puts(*_TAPPED, "action_id", value="backout:explode"), "Unknown button"),
    "another app's action": Spoilt(puts(*_TAPPED, "action_id", value="approve"), "Unknown button"),
    "an action that takes more than a tap": Spoilt(
        puts(*_TAPPED, "action_id", value="backout:tick"), "nothing waits for anybody to tick"
    ),
    "a value that is no JSON": Spoilt(puts(*_VALUE, value="}{"), "This button cannot be read"),
    "a value that is a list": Spoilt(puts(*_VALUE, value="[]"), "This button cannot be read"),
    "a value of wrong types": Spoilt(puts(*_VALUE, value='{"incident": 7}'), "This button cannot be read"),
    "a value with something else": Spoilt(
        puts(*_VALUE, value='{"incident": "incident/chat/waiting", "percent": 0}'), "cannot be read"
    ),
    "a value above every limit": Spoilt(puts(*_VALUE, value=MUCH[:400_000]), "look at actions.0.value"),
    "a value of 1 MB": Spoilt(puts(*_VALUE, value=MUCH), "is above"),
    "no trigger": Spoilt(lacks("trigger_id"), "look at trigger_id"),
    "no action": Spoilt(puts("actions", value=[]), "look at actions"),
    "actions that are none": Spoilt(puts("actions", value="approve"), "look at actions"),
    "two actions at once": Spoilt(puts("actions", value=[{"action_id": "a", "value": "b"}] * 2), "look at"),
    "a message of 1 MB": Spoilt(puts("message", "text", value=MUCH), "is above"),
    "no type": Spoilt(lacks("type"), "look at type"),
    "a number for a type": Spoilt(puts("type", value=7), "look at type"),
}

_METADATA, _STATE = ("view", "private_metadata"), ("view", "state")
_REASON = ("view", "state", "values", "reason", "text", "value")
FORMS: Mapping[str, Spoilt] = _of_both(_REJECT) | {
    "no reason": Spoilt(puts(*_REASON, value=None), "reject needs a reason"),
    "a blank reason": Spoilt(puts(*_REASON, value=" \n"), "reject needs a reason"),
    "no field": Spoilt(puts(*_STATE, value={"values": {}}), "reject needs a reason"),
    "a reason without an end": Spoilt(puts(*_REASON, value="x" * (LONGEST_REASON + 1)), "is longer than"),
    "a reason above every limit": Spoilt(puts(*_REASON, value="x" * 20_000), "look at view.state.values"),
    "another app's form": Spoilt(puts("view", "callback_id", value="survey"), "Unknown form 'survey'"),
    "no form": Spoilt(lacks("view"), "look at view"),
    "a form that is a list": Spoilt(puts("view", value=[]), "look at view"),
    "a state of wrong types": Spoilt(puts(*_STATE, value={"values": [1]}), "look at view.state.values"),
    "nothing carried": Spoilt(puts(*_METADATA, value=""), "This form cannot be read"),
    "what it carries is no JSON": Spoilt(puts(*_METADATA, value="}{"), "This form cannot be read"),
    "what it carries lacks a field": Spoilt(puts(*_METADATA, value='{"button": {}}'), "cannot be read"),
    "what it carries is of wrong types": Spoilt(
        puts(*_METADATA, value=json.dumps({"button": {"action": "reject", "incident": 7}})), "cannot be read"
    ),
    "what it carries is above every limit": Spoilt(
        puts(*_METADATA, value=MUCH[:9000]), "look at view.private_metadata"
    ),
    "a form of 1 MB": Spoilt(puts(*_METADATA, value=MUCH), "is above"),
}
TABLE: Mapping[Kind, Mapping[str, Spoilt]] = {"command": COMMANDS, "tap": TAPS, "form": FORMS}
