"""Messages to people: what is asked of a channel, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from backout.model import Duration, Frozen, Name
from backout.people import Action
from backout.severity import Severity

State = Literal["open", "acknowledged", "lapsed", "closed"]
"""How far an incident is, as pagers tell it. acknowledged: somebody owns it; lapsed: somebody did."""


Style = Literal["", "primary", "danger"]
"""How a button looks: as any, as what is asked for, or as what cannot be taken back."""


class Button(Frozen):
    """What a reader can do by a tap. Its value travels through Slack and comes back as it was."""

    action: Action
    incident: str
    code: str = ""
    """Of the plan or notice that it is about."""
    seen: int = 0
    """Events on the timeline when the button was shown: a doubled tap is one act, a later one another."""
    run: str = ""
    """The summary's `run`: a tap on the message of an earlier incident never acts in a later one."""
    label: str = ""
    """What is written on it. Label, style and question do not travel with a tap."""
    style: Style = ""
    confirm: str = ""
    """What the reader is asked before the tap counts; empty where it counts at once, or opens a form."""


class Message(Frozen):
    """What a channel shows. Text is Markdown with `*bold*` and links as `<url|text>` (Slack's mrkdwn)."""

    title: str
    text: str
    mentions: tuple[str, ...] = ()
    """People to be called, by their key in the directory."""
    actions: tuple[Action, ...] = ()
    """What the reader can do, shown as commands or buttons."""
    code: str = ""
    """What approve and reject need beside the incident: the code of the plan or notice that waits."""
    incident: str = ""
    thread: str | None = None
    """The channel's reference of the message to answer below."""
    buttons: tuple[Button, ...] = ()
    """What the reader can do by a tap, where the channel has buttons."""
    link: str = ""
    """Where everything about the incident is; empty without such a place."""
    state: State = "open"
    """How far the incident is: pagers call people for an open one, and let them be once it is closed."""
    severity: Severity | None = None
    """Of the incident; None for a message that is about none."""
    key: str = ""
    """Made from the place that the message comes from: the same key and words twice are one message."""
    again: bool = False
    """An attempt before ended without a word: it may be there already."""


class Posted(Frozen):
    """Where a message ended up."""

    ref: str
    """The channel's own reference, good for threads and updates."""
    link: str | None = None
    unreached: tuple[str, ...] = ()
    """People whom it did not reach although they were called, each with the reason."""


class Evidence(Frozen):
    """An immutable fact and its digest: the ids of what was found, kept as a document."""

    ids: tuple[str, ...]
    """The first of them in their order."""
    count: int
    """How many there are in all."""
    digest: str
    """The SHA-256 of the document: all ids in their order, each on a line of its own."""
    location: str = ""
    """Where people can open the document; empty where it was not kept."""


class CheckResult(Frozen):
    """What an integrity check found."""

    check: Name
    passed: bool
    found: str
    """What was looked at and seen, in one line."""
    again: Duration | None = None
    """Not passed yet: look again after this long. None: what was found is final."""
    outputs: tuple[str, ...] = ()
    """The ids of all outputs that it found, in their order; they are kept as evidence and not handed on."""
    evidence: Evidence | None = None
    """What became of the outputs."""


class DocumentRef(Frozen):
    """A stored document."""

    name: str
    location: str
    """A path or address where people can open it."""
    digest: str


class Cookie(Frozen):
    """A cookie that keeps a probe's user at one server; it travels, so that a killed worker loses no user."""

    name: str
    value: str
    until: datetime | None = None
    """When the service said that it ends; None where it lasts as long as the session."""


class Answered(Frozen):
    """What a service answered on one path to it."""

    release: str
    """The release that answered, in the service's own words; empty where the conversation has ended."""
    stale: str = ""
    """What says that the answer was kept by a cache, such as its age; empty where nothing does."""
    cookies: tuple[Cookie, ...] = ()
    """What the user has after the answer, for the next question."""
    ended: bool = False
    """The service says that this conversation is over: no release continues it."""
