"""Messages to people: what is asked of a channel, and what came of it."""

from __future__ import annotations

from typing import Literal

from backout.model import Frozen, Name
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


class CheckResult(Frozen):
    """What an integrity check found."""

    check: Name
    passed: bool
    found: str
    """What was looked at and seen, in one line."""


class DocumentRef(Frozen):
    """A stored document."""

    name: str
    location: str
    """A path or address where people can open it."""
    digest: str


class Answered(Frozen):
    """What a service answered on one path to it."""

    release: str
    """The release that answered, in the service's own words."""
    stale: str = ""
    """What says that the answer was kept by a cache, such as its age; empty where nothing does."""
