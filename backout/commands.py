"""The words that people type, in Slack and in a shell: one registry, from which parsing and help come."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from backout.acting import actor
from backout.addressing import ListedIncident, find, full_id, only_open, short_of
from backout.errors import CommandUnreadable, PersonUnknown, UnknownName
from backout.model import Frozen
from backout.people import NEEDS_REASON, NEEDS_SUBJECT, Act, Action, Actor
from backout.severity import Severity
from backout.site import Site
from backout.view import Ask, Briefing, Question
from backout.votes import SHORTEST_CODE

_LIKE_A_NAME = re.compile(r".*\d.*|\w+[._:@+-]\w.*")
_JUDGED = 2
"""Words that a `judge` takes at least: the question, and the answer."""
_CODE = re.compile(rf"(sha256:)?[0-9a-f]{{{SHORTEST_CODE},64}}", re.IGNORECASE)


class Verb(Frozen):
    """One verb: what it does, and what it takes."""

    name: str
    about: str
    does: Action | Literal["status", "list", "help"]

    @property
    def usage(self) -> str:
        """The verb with what may follow it."""
        match self.does:
            case "help" | "list":
                return self.name
            case "status":
                return f"{self.name} [incident]"
            case Action.TICK:
                return f"{self.name} [incident] <number>"
            case Action.NOTE:
                return f"{self.name} [incident] <text>"
            case Action.JUDGE:
                return f"{self.name} [incident] <judgment> <answer> [reason]"
            case Action.SEVERITY:
                return f"{self.name} [incident] <severity> <reason>"
            case action:
                code = " <code>" if action in NEEDS_SUBJECT else ""
                return f"{self.name} [incident]{code} {'<reason>' if action in NEEDS_REASON else '[reason]'}"

    def filled(self, *, incident: str, code: str) -> str:
        """Return the usage with the incident and the code filled in, such as `approve chat/r2 4f1a2b3c`."""
        filled = self.usage.replace("[incident]", incident)
        return filled.replace("<code>", code or "<code>").removesuffix(" [reason]")


VERBS = {
    verb.name: verb
    for verb in (
        Verb(name="status", does="status", about="where an incident stands and what it waits for"),
        Verb(name="list", does="list", about="the open incidents"),
        Verb(name="ack", does=Action.ACKNOWLEDGE, about="I own it; stops the escalation"),
        Verb(name="approve", does=Action.APPROVE, about="I authorise what is asked"),
        Verb(name="reject", does=Action.REJECT, about="I refuse what is asked"),
        Verb(name="hold", does=Action.HOLD, about="stop here until a person decides"),
        Verb(name="resume", does=Action.RESUME, about="go on after a hold"),
        Verb(name="retry", does=Action.RETRY, about="run the step again"),
        Verb(name="skip", does=Action.SKIP, about="leave the step out"),
        Verb(name="abort", does=Action.ABORT, about="stop the playbook where the world stands"),
        Verb(
            name="emergency",
            does=Action.EMERGENCY,
            about="take all exposure off at once, past stages and approvals",
        ),
        Verb(
            name="come-back",
            does=Action.COME_BACK,
            about="bring exposure back up, guarded, where users recovered at a stage",
        ),
        Verb(name="note", does=Action.NOTE, about="write on the timeline"),
        Verb(name="close", does=Action.CLOSE, about="end a held incident"),
        Verb(name="severity", does=Action.SEVERITY, about="say how bad it is: critical, major or minor"),
        Verb(name="override", does=Action.OVERRIDE, about="authorise what is asked past its quorum"),
        Verb(
            name="break-glass",
            does=Action.BREAK_GLASS,
            about="authorise it in an emergency, with somebody of another role",
        ),
        Verb(name="judge", does=Action.JUDGE, about="answer a question that weighs into the rules"),
        Verb(name="tick", does=Action.TICK, about="tick an item of the checklist"),
        Verb(name="help", does="help", about="this list"),
    )
}


def word_of(action: Action) -> str:
    """Return the word that people type for an action."""
    return next(verb.name for verb in VERBS.values() if verb.does is action)


class Command(Frozen):
    """A command, read: its verb, and the words after it; the first may name the incident, then a code."""

    verb: Verb
    words: tuple[str, ...]
    item: int | None = None

    @property
    def needs_list(self) -> bool:
        """Whether the incident can only be told from the list of incidents."""
        return self.verb.does == "list" or not (self.words and full_id(self.words[0]))

    def is_code(self, number: int) -> bool:
        """Whether the word at this place, from 0, is a code that the verb takes."""
        return (
            self.verb.does in NEEDS_SUBJECT
            and number < len(self.words)
            and _CODE.fullmatch(self.words[number]) is not None
        )

    def is_severity(self, number: int) -> bool:
        """Whether the word at this place, from 0, is a severity that the verb takes."""
        takes = self.verb.does is Action.SEVERITY and number < len(self.words)
        return takes and self.words[number].lower() in set(Severity)


class Meant(Frozen):
    """What the words after the verb mean."""

    incident: str
    subject: str | None = None
    """The code of what was read, as it was typed."""
    judgment: str = ""
    """What a `judge` answers."""
    answer: str = ""
    severity: Severity | None = None
    text: str = ""


def parse(text: str) -> Command:
    """Read what follows `/backout`; nothing at all asks for help.

    Raises:
        UnknownName: there is no such verb.
        CommandUnreadable: the verb lacks what it takes.
    """
    name, *words = text.split() or ["help"]
    if name.lower() not in VERBS:
        raise UnknownName(kind="command", name=name, known=VERBS)
    verb = VERBS[name.lower()]
    if verb.does is Action.JUDGE and len(words) < _JUDGED:
        raise CommandUnreadable(problem=f"Name the question and your answer: {verb.usage}")
    command = Command(verb=verb, words=tuple(words))
    if verb.does is Action.SEVERITY and not (command.is_severity(0) or command.is_severity(1)):
        raise CommandUnreadable(problem=f"Say how bad it is, {', '.join(Severity)}: {verb.usage}")
    if verb.does is not Action.TICK:
        return command
    if not words or not re.fullmatch(r"[0-9]{1,3}", words[-1]):
        raise CommandUnreadable(problem=f"Name the item by its number: {verb.usage}")
    return Command(verb=verb, words=tuple(words[:-1]), item=int(words[-1]))


def address(command: Command, listed: Sequence[ListedIncident]) -> Meant:
    """Return the incident that a command means, the code behind it, and the text that is left.

    A first word that looks like a name, with a digit or a sign in it, must be one: a mistyped incident is
    never taken for a text about another. A plain word is a name where an incident has it. A code that stands
    alone is for the only open incident.

    Raises:
        IncidentUnknown: the first word looks like a name, but no incident has it.
        IncidentAmbiguous: more than one incident is meant.
        NoOpenIncident: none is named, and none is open.
    """
    first = next(iter(command.words), "")
    if named := full_id(first):
        return _meant(command, named, used=1)
    if _names_one(command, listed):
        return _meant(command, find(first, listed), used=1)
    return _meant(command, only_open(listed), used=0)


def _names_one(command: Command, listed: Sequence[ListedIncident]) -> bool:
    first = next(iter(command.words), "")
    if command.verb.does is Action.JUDGE:
        # Its other words look like names too. A mistyped incident is refused as an unknown question.
        return len(command.words) > _JUDGED and any(first in one.names for one in listed)
    if command.is_severity(0):
        return command.is_severity(1)
    if any(first in one.names for one in listed):
        return True
    if command.is_code(0):
        return command.is_code(1)
    return _LIKE_A_NAME.fullmatch(first) is not None


def _meant(command: Command, incident: str, *, used: int) -> Meant:
    left = command.words[used:]
    if command.verb.does is Action.JUDGE:
        if len(left) < _JUDGED:
            raise CommandUnreadable(problem=f"Name the question and your answer: {command.verb.usage}")
        judgment, answer, *rest = left
        return Meant(incident=incident, judgment=judgment, answer=answer, text=" ".join(rest))
    if command.is_severity(used):
        return Meant(incident=incident, severity=Severity(left[0].lower()), text=" ".join(left[1:]))
    if command.is_code(used):
        return Meant(incident=incident, subject=left[0], text=" ".join(left[1:]))
    return Meant(incident=incident, text=" ".join(left))


def act_of(command: Command, action: Action, meant: Meant, *, act_id: str, actor: Actor) -> Act:
    """Return the act that a command asks for."""
    return Act(
        id=act_id,
        action=action,
        actor=actor,
        reason=meant.text,
        subject=meant.subject,
        item=command.item,
        judgment=meant.judgment,
        answer=meant.answer,
        severity=meant.severity,
    )


def actor_of(member: str, site: Site, *, at: datetime, more: Sequence[str] = ()) -> Actor:
    """Return the person whom a Slack member id belongs to, as they act at that moment.

    `more` are roles that Slack's user groups give them.

    Raises:
        PersonUnknown: nobody in the directory has it.
    """
    for key, person in site.people.items():
        if person.slack == member:
            return actor(site, key, via="slack", at=at, more=more)
    raise PersonUnknown(member=member)


def help_text(slash: str) -> str:
    """Return the help: a line for each verb."""
    lines = (f"• {slash} {verb.usage}: {verb.about}" for verb in VERBS.values())
    footer = "The incident is service/release. Leave it out where only one is open and a plain word follows."
    return "\n".join((*lines, footer))


def list_text(listed: Sequence[ListedIncident]) -> str:
    """Return the open incidents, a line for each."""
    lines = [
        f"• {one.short}: {one.phase or 'phase unknown'}, {one.playbook}, "
        f"since {one.opened_at:%Y-%m-%d %H:%M} UTC"
        for one in listed
        if one.closed_at is None
    ]
    return "\n".join(lines) or "No incident is open."


def status_text(brief: Briefing) -> str:
    """Return where an incident stands, in a few lines."""
    summary, short = brief.summary, short_of(brief.summary.incident)
    until = f" until {brief.step_until:%H:%M:%S} UTC" if brief.step_until else ""
    exposure = "unknown" if summary.exposure is None else summary.by_target or f"{summary.exposure} %"
    stands = f"{summary.phase.value}, {summary.outcome.value}"
    lines = [
        f"{short}: {stands}, severity {summary.severity.value}",
        f"Step {brief.step}{until}. Exposure: {exposure}. Alerts: {summary.alerts}.",
        f"Acknowledged by {brief.acknowledged_by}." if brief.acknowledged_by else "Not acknowledged.",
        f"Held: {brief.held}" if brief.held else "",
        f"Signals: {brief.fired}" if brief.fired else "",
        *(_ask_line(ask, short) for ask in brief.asks),
        *(_question_line(one, short) for one in brief.questions),
        f"Next: {', '.join(brief.next_steps)}." if brief.next_steps else "",
        *(f"Due: {one.line}." for one in brief.notices),
        *(f"Not sent: {one}" for one in brief.stakes.unsent),
        f"The news are not told yet: {brief.untold}" if brief.untold else "",
        f"Postmortem: {brief.postmortem}" if brief.postmortem else "",
    ]
    return "\n".join(line for line in lines if line)


def _ask_line(ask: Ask, incident: str) -> str:
    return f"Waiting: {ask.what}{voting(ask)} Answer with: {', '.join(answers(ask, incident))}."


def voting(ask: Ask) -> str:
    """Return how a vote stands and what it takes, to follow its question; empty where nothing is voted on."""
    end = "" if ask.what.endswith((".", "?", "!")) else "."
    votes = f"{end} {len(ask.approved_by)} of {ask.quorum} approved." if ask.quorum else ""
    if ask.roles_needed > 1:
        votes += f" It takes {ask.roles_needed} roles, each filled by another person."
    if ask.must:
        votes += f" One of them must be {' or '.join(ask.must)}."
    if ask.required:
        votes += f" Among them must be {' and '.join(ask.required)}, each another person."
    if ask.broken_by:
        votes += f" {len(ask.broken_by)} broke the glass for it; it takes two roles."
    return votes


def _question_line(question: Question, incident: str) -> str:
    how = judging(question, incident)
    return f"Judgment of {' or '.join(question.roles)}: {question.line} Answer with: {how}."


def judging(question: Question, incident: str) -> str:
    """Return what people type to judge, such as `judge chat/r2 safety_view fine|stop`."""
    return f"judge {incident} {question.judgment} {'|'.join(question.answers)}"


def answers(ask: Ask, incident: str) -> list[str]:
    """Return what people type to answer, such as `approve chat/r2 4f1a2b3c`."""
    asked = (verb for verb in VERBS.values() if verb.does in ask.actions)
    return [verb.filled(incident=incident, code=ask.code) for verb in asked]
