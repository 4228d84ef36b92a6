"""The demo's people: they see what is asked of them and answer, through Slack as responders do.

Each answer is a slash command, signed as Slack signs it, sent to the gateway's own door.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import aiohttp
from slack_sdk.signature import SignatureVerifier

from backout.commands import word_of
from backout.errors import BackoutError
from backout.people import NEEDS_REASON, NEEDS_SUBJECT, Action, Person
from backout.view import Ask, IncidentView

THINKS_S = 1.2
"""How long a person reads before they answer."""
PATIENCE_S = 6.0
"""How long a person waits for their answer to count before they give it again."""
_SAYS = {
    "escalate": {Action.ACKNOWLEDGE: "I am on it"},
    "revert": {Action.APPROVE: "the numbers are plain"},
    "notify": {Action.APPROVE: "say it like that"},
}
"""What people answer with in this story, by step."""


class DoorClosed(BackoutError):
    """The gateway answered '/backout {text}' of {who} with HTTP {status}: {said} See the engine's log."""


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
        for action in (action for action in ask.actions if action in _SAYS.get(view.step, {})):
            for key in turn:
                answer = Answer(
                    person=key, action=action, about=ask.subject or ask.what, code=_code(action, ask)
                )
                if _may_answer(key, people[key], ask) and answer not in given:
                    return answer
    return None


def words(answer: Answer, view: IncidentView) -> str:
    """Return what the person types after /backout."""
    summary = view.summary
    typed = (word_of(answer.action), f"{summary.service}/{summary.release}", answer.code)
    return " ".join((*filter(None, typed), _SAYS[view.step][answer.action]))


class Slack:
    """Sends slash commands to the gateway, each signed with the site's signing secret."""

    def __init__(self, *, gateway: str, signing_secret: str) -> None:
        self._url = f"{gateway}/slack/commands"
        self._signer = SignatureVerifier(signing_secret)
        self._sent = 0

    async def type(self, text: str, *, key: str, person: Person) -> str:
        """Let a person type `/backout <text>`; return what they are shown.

        Raises:
            DoorClosed: the gateway did not take the command at all.
        """
        self._sent += 1
        body = urlencode(self._form(text, key=key, person=person))
        now = str(int(time.time()))
        signature = self._signer.generate_signature(timestamp=now, body=body)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": now,
            "X-Slack-Signature": signature or "",
        }
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http,
            http.post(self._url, data=body, headers=headers) as response,
        ):
            if not response.ok:
                raise DoorClosed(
                    who=person.name, text=text, status=response.status, said=await response.text()
                )
            shown = await response.json()
            return str(shown.get("text", ""))

    def _form(self, text: str, *, key: str, person: Person) -> dict[str, str]:
        return {
            "team_id": "T01DEMO",
            "channel_id": "C01INCIDENTS",
            "user_id": person.slack or "",
            "user_name": key,
            "command": "/backout",
            "text": text,
            "api_app_id": "A01DEMO",
            "trigger_id": f"{time.time_ns()}.{self._sent}.demo",
        }


class OnCall:
    """Answers every question of an incident, as people do: they look, they think, they type."""

    def __init__(
        self,
        *,
        slack: Slack,
        people: Mapping[str, Person],
        say: Callable[[str], None],
        thinks_s: float = THINKS_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._patience_s = patience_s
        self._thinks_s = thinks_s
        self._slack = slack
        self._people = people
        self._say = say
        self._given: dict[Answer, float] = {}

    async def look(self, view: IncidentView) -> None:
        """Answer the first open question, if there is one; what does not count is said again later."""
        clock = asyncio.get_running_loop().time
        given = [answer for answer, at_s in self._given.items() if clock() < at_s + self._patience_s]
        answer = next_answer(view, people=self._people, given=given)
        if answer is None:
            return
        await asyncio.sleep(self._thinks_s)
        person = self._people[answer.person]
        text = words(answer, view)
        shown = await self._slack.type(text, key=answer.person, person=person)
        self._given[answer] = clock()
        self._say(f"{person.name} types /backout {text} → {' '.join(shown.split())}")


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
