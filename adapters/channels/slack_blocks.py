"""A message as Slack's Block Kit, cut to Slack's limits: a long message is shortened, never lost.

Text arrives as finished mrkdwn: our templates made it, and the renderer has escaped what came from
outside. So nothing is escaped here a second time, except names out of the site's directory, which no
template has seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from slack_sdk.models.blocks import Block, ContextBlock, HeaderBlock, MarkdownTextObject, SectionBlock

from adapters.channels.answers import answers_to
from backout.messages import Message
from backout.people import Person
from backout.rendering import escape_mrkdwn

TITLE_LIMIT = 150
"""Characters of a header."""
SECTION_LIMIT = 3000
"""Characters of a section."""
TEXT_LIMIT = 8700
"""Characters of the message's own text. With a title, a section of mentions and one of commands, all blocks
together stay below 12,000: Slack refuses a message somewhat above that."""
MENTIONS_LIMIT = 1500
_HALF_ENTITY = re.compile(r"&[a-z]{0,3}$")


def blocks_of(message: Message, people: Sequence[Person]) -> list[Block]:
    """Return the message: header, who is called, text, and the commands that answer it."""
    blocks: list[Block] = []
    if message.title:
        blocks.append(HeaderBlock(text=_cut(message.title, TITLE_LIMIT)))
    if people:
        blocks.append(_section(_joined((mention(person) for person in people), MENTIONS_LIMIT)))
    blocks.extend(_section(part) for part in parts_of(_shortened(message.text)))
    if commands := "\n".join(f"`{escape_mrkdwn(f'/backout {answer}')}`" for answer in answers_to(message)):
        blocks.append(ContextBlock(elements=[_mrkdwn(f"Answer with:\n{_cut(commands, MENTIONS_LIMIT)}")]))
    return blocks


def plain_of(message: Message, people: Sequence[Person]) -> str:
    """Return the text of the notification, and of clients that show no blocks."""
    calls = _joined((mention(person) for person in people), MENTIONS_LIMIT)
    first = message.title or message.text.partition("\n")[0]
    return " ".join(part for part in (calls, _cut(first, SECTION_LIMIT)) if part) or "(no text)"


def mention(person: Person) -> str:
    """Return what calls a person: their member id, or else their name as text."""
    return f"<@{person.slack}>" if person.slack else escape_mrkdwn(person.name)


def parts_of(text: str) -> list[str]:
    """Cut a text into sections, at line breaks where there are any."""
    parts: list[str] = []
    while text.strip():
        part = text if len(text) <= SECTION_LIMIT else _head(text, SECTION_LIMIT)
        parts.append(part)
        text = text[len(part) :].lstrip("\n")
    return parts


def _shortened(text: str) -> str:
    if len(text) <= TEXT_LIMIT:
        return text
    head = _head(text, TEXT_LIMIT)
    return (
        f"{head}\n_… {len(text) - len(head)} more characters are cut here; 'backout incidents show' has all._"
    )


def _head(text: str, limit: int) -> str:
    """Return the beginning up to the last line break, or else the last space, that is not too far back."""
    head = text[:limit]
    for border in ("\n", " "):
        if (at := head.rfind(border)) > limit // 2:
            return head[:at]
    return _HALF_ENTITY.sub("", head)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else _HALF_ENTITY.sub("", text[: limit - 1]) + "…"


def _joined(words: Iterable[str], limit: int) -> str:
    """Join words, as many as there is room for; half a mention calls nobody."""
    line = ""
    for word in words:
        if len(line) + len(word) + 3 > limit:
            return f"{line} …"
        line = f"{line} {word}".lstrip()
    return line


def _section(text: str) -> SectionBlock:
    return SectionBlock(text=_mrkdwn(text))


def _mrkdwn(text: str) -> MarkdownTextObject:
    return MarkdownTextObject(text=text)
