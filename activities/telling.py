"""Messages about an incident: what people read, what they can do, and where everything about it is."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from activities.places import is_again
from backout import rendering
from backout.asked import asked
from backout.choices import buttons_of
from backout.messages import Message
from backout.people import Action, Person
from backout.view import Briefing


class Telling:
    """Makes messages from templates, for the people of one directory."""

    def __init__(
        self, *, templates: Mapping[str, str], directory: Mapping[str, Person], history: str
    ) -> None:
        """Use these templates; `history` is where incidents are in Temporal's UI, empty without one."""
        self._templates = templates
        self._directory = directory
        self._history = history

    def message(
        self, template: str, brief: Briefing, *, key: str, thread: str | None = None, why: str = ""
    ) -> Message:
        """Return the message of a template. `key` is made from the place that it comes from.

        Raises:
            UnknownName: there is no such template.
            TemplateBroken: it cannot be rendered.
        """
        text = rendering.render(
            template,
            templates=self._templates,
            brief=brief,
            asks=[asked(ask, self._directory) for ask in brief.asks],
            why=why,
            link=self.link(brief),
        )
        title, body = rendering.title_and_text(text)
        return self.about(brief, title=title, text=body, key=key, thread=thread).model_copy(
            update={"actions": open_actions(brief), "code": open_code(brief), "buttons": buttons_of(brief)}
        )

    def about(
        self, brief: Briefing, *, title: str, text: str, key: str, thread: str | None = None
    ) -> Message:
        """Return a message about an incident that asks nothing; `text` is finished mrkdwn."""
        return Message(
            title=title,
            text=text,
            incident=brief.summary.incident,
            thread=thread,
            link=self.link(brief),
            state=brief.state,
            severity=brief.summary.severity,
            key=key,
            again=is_again(),
        )

    def link(self, brief: Briefing) -> str:
        """Return where everything about an incident is; empty without such a place."""
        return f"{self._history}/{quote(brief.summary.incident, safe='')}" if self._history else ""


def open_actions(brief: Briefing) -> tuple[Action, ...]:
    """Return what people can do now, without repeats, in the order of the asks."""
    return tuple(dict.fromkeys(action for ask in brief.asks for action in ask.actions))


def open_code(brief: Briefing) -> str:
    """Return the code of the plan or notice that waits for approval; empty where none does."""
    return next((ask.code for ask in brief.asks if Action.APPROVE in ask.actions), "")
