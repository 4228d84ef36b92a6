"""Taps and forms: what somebody did becomes one call on the incidents, and a receipt for them alone."""

from __future__ import annotations

import asyncio
import hashlib
import json

from backout.addressing import full_id, short_of
from backout.buttons import REASON_BLOCK, SEVERITY_BLOCK, button_of, form_of
from backout.commands import word_of
from backout.errors import BackoutError, FormUnavailable, IncidentUnknown, InteractionUnreadable, UnknownName
from backout.messages import Button
from backout.people import NEEDS_REASON, Act
from backout.ports import SlackCalls
from backout.severity import Severity
from gateway.incidents import Incidents
from gateway.metrics import Metrics
from gateway.slack_answers import Answer, corrected, noticed
from gateway.slack_commands import ACT_S, outcome_of
from gateway.slack_heard import PassedOver, Submission, Tap, interaction, is_form, response_url
from gateway.slack_people import Known, SlackPeople

FORM_S = 1.8
"""Seconds that opening a form may take: the tap that asks for it is good for three."""


class Interactions:
    """Taps on buttons, and the forms that ask for a reason."""

    def __init__(
        self, *, incidents: Incidents, people: SlackPeople, slack: SlackCalls, metrics: Metrics
    ) -> None:
        """Act on these incidents for these people; forms are opened in this Slack."""
        self._incidents = incidents
        self._people = people
        self._slack = slack
        self._metrics = metrics

    async def answer(self, raw: object) -> Answer:
        """Answer one interaction; what asks nothing of us is heard, and no more."""
        try:
            heard = interaction(raw)
        except InteractionUnreadable as error:
            self._count("", "", "refused")
            return unreadable(str(error), raw)
        match heard:
            case Tap():
                return await self._tapped(heard)
            case Submission():
                return await self._submitted(heard)
            case PassedOver():
                return Answer()

    async def _tapped(self, tap: Tap) -> Answer:
        pressed = tap.pressed
        if not pressed.value:
            # A link: the browser has opened it already.
            return Answer()
        action, result, text = "", "done", ""
        try:
            button = button_of(pressed.action_id, pressed.value)
            action = button.action.value
            known = await self._people.who(tap.user.id)
            if button.action in NEEDS_REASON:
                await self._open(button, tap)
                result = "asked"
            else:
                # The same button much later is another act: nobody brings a page up to date.
                act_id = _digest(tap.user.id, pressed.action_id, pressed.value, pressed.moment)
                text = await self._carry(_act(button, act_id, known), button, known)
        except BackoutError as error:
            result, text = outcome_of(error), str(error)
        self._count("tap", action, result)
        return Answer(whisper=text, to=tap.response_url)

    async def _open(self, button: Button, tap: Tap) -> None:
        try:
            async with asyncio.timeout(FORM_S):
                await self._slack.open_form(
                    trigger=tap.trigger_id, button=button, respond_to=tap.response_url
                )
        except TimeoutError as error:
            why = f"Slack did not answer within {FORM_S:g} s"
            raise FormUnavailable(why=why, typed=_typed(button)) from error
        except BackoutError as error:
            raise FormUnavailable(why=str(error).removesuffix("."), typed=_typed(button)) from error

    async def _submitted(self, submission: Submission) -> Answer:
        view, entries = submission.view, submission.entries
        action, result = "", "done"
        try:
            form = form_of(view.callback_id, view.private_metadata)
            action = form.button.action.value
            known = await self._people.who(submission.user.id)
            # The same form once more is the same act; with another reason it is another.
            act_id = _digest(submission.user.id, view.id, view.private_metadata, *sorted(entries.values()))
            act = _act(form.button, act_id, known, entries.get(REASON_BLOCK, ""), entries.get(SEVERITY_BLOCK))
            return Answer(whisper=await self._carry(act, form.button, known), to=form.respond_to)
        except BackoutError as error:
            result = outcome_of(error)
            return corrected(REASON_BLOCK, str(error))
        finally:
            self._count("form", action, result)

    async def _carry(self, act: Act, button: Button, known: Known) -> str:
        # Nothing but an incident is ever acted on, whatever the button says.
        incident = full_id(short_of(button.incident)) or ""
        if incident != button.incident:
            raise IncidentUnknown(incident=button.incident)
        with known.refused_in_doubt():
            receipt = await self._incidents.act(incident=incident, act=act, run=button.run, within_s=ACT_S)
        return f"{short_of(incident)}: {receipt.text}"

    def _count(self, kind: str, action: str, result: str) -> None:
        self._metrics.slack.interactions.labels(kind=kind, action=action, result=result).inc()


def unreadable(problem: str, raw: object) -> Answer:
    """Answer what cannot be read, where its sender can be told."""
    if is_form(raw):
        return noticed(problem)
    return Answer(problem=problem, whisper=problem, to=response_url(raw))


def _act(button: Button, act_id: str, known: Known, reason: str = "", severity: str | None = None) -> Act:
    return Act(
        id=act_id,
        action=button.action,
        actor=known.actor,
        reason=reason,
        subject=button.code or None,
        severity=_severity(severity) if severity else None,
    )


def _severity(text: str) -> Severity:
    if text not in set(Severity):
        raise UnknownName(kind="severity", name=text[:80], known=Severity)
    return Severity(text)


def _digest(*parts: str) -> str:
    """Return an idempotency id: what is the same intent has the same."""
    return f"slack:{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}"


def _typed(button: Button) -> str:
    """Return the command that does the same as a button."""
    words = (word_of(button.action), short_of(button.incident), button.code, "<reason>")
    return f"/backout {' '.join(word for word in words if word)}"
