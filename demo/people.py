"""The demo's people: they see what is asked of them in the channel, and tap what they answer.

Each tap is signed as Slack signs it, and sent to the gateway's own door.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass

from adapters.channels.plain import plain
from backout.addressing import short_of
from backout.buttons import REASON_BLOCK, action_id_of
from backout.commands import word_of
from backout.errors import BackoutError
from backout.messages import Button
from backout.people import NEEDS_REASON, NEEDS_SUBJECT, Action, Person
from backout.view import Ask, IncidentView
from demo.slack.people import SlackPeople
from demo.slack.reactions import Reaction
from demo.slack.rooms import Rooms, SlackMessage

THINKS_S = 1.2
"""How long a person reads before they answer."""
PATIENCE_S = 6.0
"""How long a person waits for their answer to count before they give it again."""
TAPS = 3
"""How often a person taps until a form opens, or a receipt is shown; Slack gives each tap three seconds."""
REMARK = "I am on it. Its index was swapped today, and nobody told us"
"""What whoever owns the incident writes on its timeline."""
_ANSWERS = {
    "escalate": (Action.ACKNOWLEDGE,),
    "revert": (Action.APPROVE,),
    "notify": (Action.APPROVE,),
}
"""What people answer in this story, by step."""


class DoorClosed(BackoutError):
    """The gateway answered {who}, who {did}, with HTTP {status}. See the engine's log."""


class FormMissing(BackoutError):
    """No form opened for {who}, who {did} {times} times; last shown: {shown}. See the engine's log."""


@dataclass(frozen=True)
class Answer:
    """What one person is about to say."""

    person: str
    """The person's key in the directory."""
    action: Action
    about: str
    """What it answers: the ask's subject, or its question."""
    code: str = ""
    """What says that they have read it; for approvals."""


def next_answer(
    view: IncidentView, *, people: Mapping[str, Person], given: Container[Answer]
) -> Answer | None:
    """Return who says what next, or None where nobody has anything to say.

    An approval is given by one person after the other, the owner of the step first.
    """
    owner = next((step.owner for step in view.playbook.steps if step.name == view.step), "")
    turn = sorted(people, key=lambda key: owner not in people[key].roles)
    for ask in view.asks:
        for action in (action for action in ask.actions if action in _ANSWERS.get(view.step, ())):
            for key in turn:
                answer = Answer(
                    person=key, action=action, about=ask.subject or ask.what, code=_code(action, ask)
                )
                if _may_answer(key, people[key], ask) and answer not in given:
                    return answer
    return None


class OnCall:
    """Answers every question of an incident, as people do: they look, they think, they tap."""

    def __init__(
        self,
        *,
        rooms: Rooms,
        hands: SlackPeople,
        people: Mapping[str, Person],
        say: Callable[[str], None],
        thinks_s: float = THINKS_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Let these people see the rooms, and act with their hands."""
        self._rooms = rooms
        self._hands = hands
        self._people = people
        self._say = say
        self._thinks_s = thinks_s
        self._patience_s = patience_s
        self._given: dict[Answer, float] = {}

    async def look(self, view: IncidentView) -> None:
        """Answer the first open question that has a button; what does not count is said again later."""
        clock = asyncio.get_running_loop().time
        given = [answer for answer, at_s in self._given.items() if clock() < at_s + self._patience_s]
        answer = next_answer(view, people=self._people, given=given)
        if answer is None or self._message(answer, view) is None:
            return
        await asyncio.sleep(self._thinks_s)
        message = self._message(answer, view)
        if message is None:
            return
        await self._tap(answer, view, message)
        self._given[answer] = clock()
        if answer.action is Action.ACKNOWLEDGE:
            await self._remark(answer, view, message)

    def _message(self, answer: Answer, view: IncidentView) -> SlackMessage | None:
        """Return the newest message that has a button for the answer."""
        wanted = _action_id(answer.action, answer.code, view)
        having = (
            message
            for message in reversed(self._rooms.messages)
            if any(button["action_id"] == wanted for button in message.buttons)
        )
        return next(having, None)

    async def _tap(self, answer: Answer, view: IncidentView, message: SlackMessage) -> None:
        wanted = _action_id(answer.action, answer.code, view)
        person = self._people[answer.person]
        did = f"taps [{message.button(wanted)['text']['text']}]"
        tap = self._hands.tapping(person.slack or "", message, wanted)
        self._told(person, did, await self._receipt(person, did, tap, shown_at=tap, view=view))

    async def _remark(self, answer: Answer, view: IncidentView, message: SlackMessage) -> None:
        """Write on the timeline, by the form that opens; what came of it is shown where it was tapped."""
        person = self._people[answer.person]
        did = f"taps [{message.button(Action.NOTE.value)['text']['text']}]"
        tapped = await self._opened(person, did, message)
        did = f"{did} and fills in the form"
        form = self._hands.submitting(person.slack or "", tapped.views[-1], {REASON_BLOCK: REMARK})
        self._told(person, did, await self._receipt(person, did, form, shown_at=tapped, view=view))

    async def _opened(self, person: Person, did: str, message: SlackMessage) -> Reaction:
        """Return the tap that opened a form. On a busy machine the first may be too old when it is heard."""
        shown = ""
        for _ in range(TAPS):
            tapped = await self._hands.tap(person.slack or "", message, Action.NOTE.value)
            _see_open(person, did, tapped)
            try:
                await tapped.form(self._patience_s)
            except TimeoutError:
                shown = tapped.said[-1] if tapped.said else "nothing"
            else:
                return tapped
        raise FormMissing(who=person.name, did=did, times=TAPS, shown=shown)

    async def _receipt(
        self, person: Person, did: str, reaction: Reaction, *, shown_at: Reaction, view: IncidentView
    ) -> str:
        """Deliver it until a receipt is shown: on a busy machine an answer may be late, or say that one is.

        The same tap and the same form, however often they are delivered, are one act.
        """
        shown = ""
        for attempt in range(TAPS):
            before = len(shown_at.said)
            await (self._hands.again(reaction, attempt) if attempt else self._hands.deliver(reaction))
            _see_open(person, did, reaction)
            shown = await _shown(reaction, shown_at, after=before)
            if shown.startswith(f"{short_of(view.summary.incident)}: "):
                break
        return shown

    def _told(self, person: Person, did: str, shown: str) -> None:
        self._say(f"{person.name} {did} → {plain(' '.join(shown.split()))}")


async def _shown(reaction: Reaction, shown_at: Reaction, *, after: int) -> str:
    """Return what a person is shown of it, after so many texts."""
    if reaction.errors and not reaction.closed:
        return "; ".join(reaction.errors.values())
    if reaction.status is None:
        return reaction.said[-1]
    try:
        return await shown_at.hears(after=after)
    except TimeoutError:
        return "nothing is heard of it"


def _see_open(person: Person, did: str, reaction: Reaction) -> None:
    status = reaction.status
    if status is not None and status >= 400:  # noqa: PLR2004  # HTTP's errors begin there
        raise DoorClosed(who=person.name, did=did, status=status)


def _action_id(action: Action, code: str, view: IncidentView) -> str:
    return action_id_of(Button(action=action, incident=view.summary.incident, code=code))


def commands(ask: Ask, *, people: Mapping[str, Person], cli: str, state: str) -> list[str]:
    """Return what can be typed at another terminal to answer, a line for each answer and who may give it."""
    why = {action: " --reason why" if action in NEEDS_REASON else "" for action in Action}
    code = {action: f" {_code(action, ask)}".rstrip() for action in Action}
    return [
        f"{cli} {word_of(action)}{code[action]} --as {key}{why[action]} --state {state}"
        for action in ask.actions
        for key, person in people.items()
        if _may_answer(key, person, ask)
    ]


def _code(action: Action, ask: Ask) -> str:
    return ask.code if action in NEEDS_SUBJECT else ""


def _may_answer(key: str, person: Person, ask: Ask) -> bool:
    return bool(set(person.roles) & set(ask.roles)) and key not in ask.approved_by
