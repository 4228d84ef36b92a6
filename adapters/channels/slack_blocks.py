"""A message as Slack's Block Kit, cut to Slack's limits: a long message is shortened, never lost.

Text arrives as finished mrkdwn: our templates made it, and the renderer has escaped what came from
outside. So nothing is escaped here a second time, except names out of the site's directory, which no
template has seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from hashlib import sha256

from slack_sdk.models.blocks import Block, ContextBlock, HeaderBlock, MarkdownTextObject, SectionBlock

from adapters.channels.answers import answers_to
from adapters.channels.slack_buttons import row_of
from backout.messages import Message
from backout.people import Person
from backout.rendering import escape_mrkdwn

TITLE_LIMIT = 150
"""Characters of a header."""
SECTION_LIMIT = 3000
"""Characters of a section."""
BLOCKS_LIMIT = 12_000
"""Characters of all blocks together: Slack refuses a message somewhat above that."""
TEXT_LIMIT = 8700
"""Characters of the message's own text, where buttons and mentions leave so much room."""
TEXT_LEAST = 1500
"""Characters of the text for which there is room whatever else a message has."""
LINK_LIMIT = 1000
TYPED_LIMIT = 400
"""Characters of the words to type, where buttons do the same."""
MENTIONS_LIMIT = 1500
_HALF_ENTITY = re.compile(r"&[a-z]{0,3}$|<[^<>]*$")
"""Half an escaped character, or half a link or moment."""


def blocks_of(message: Message, people: Sequence[Person]) -> list[Block]:
    """Return the message: header, who is called, text, buttons, and the commands that answer it."""
    head: list[Block] = []
    if message.title:
        head.append(HeaderBlock(text=_cut(message.title, TITLE_LIMIT)))
    if people:
        head.append(_section(_joined((mention(person) for person in people), MENTIONS_LIMIT)))
    foot: list[Block] = [row_of(message.buttons)] if message.buttons else []
    foot.extend(_commands(message))
    blocks = [*head, *_text(message, room=BLOCKS_LIMIT - _weight([*head, *foot])), *foot]
    if blocks and (mark := mark_of(message)):
        blocks[0].block_id = mark
    return blocks


def _text(message: Message, room: int) -> list[Block]:
    """Return the sections of the text; it is cut until they fit into so many characters, or are short."""
    limit = TEXT_LIMIT
    while True:
        sections: list[Block] = [
            _section(part) for part in parts_of(_shortened(message.text, limit, message.link))
        ]
        if limit <= TEXT_LEAST or _weight(sections) <= room:
            return sections
        limit = max(TEXT_LEAST, min(limit * 2 // 3, room))


def mark_of(message: Message) -> str:
    """Return what a message is found again by: the id of its first block; empty where it has no key."""
    return f"backout-{sha256(message.key.encode()).hexdigest()[:32]}" if message.key else ""


def _commands(message: Message) -> list[Block]:
    """Return the words to type, one line of them where there are buttons too."""
    typed = [f"`{escape_mrkdwn(f'/backout {answer}')}`" for answer in answers_to(message)]
    if not typed:
        return []
    if message.buttons:
        return [ContextBlock(elements=[_mrkdwn(f"Or type {_joined(typed, TYPED_LIMIT)}")])]
    commands = _cut("\n".join(typed), MENTIONS_LIMIT)
    return [ContextBlock(elements=[_mrkdwn(f"Answer with:\n{commands}")])]


def _weight(blocks: Sequence[Block]) -> int:
    return len(json.dumps([block.to_dict() for block in blocks], ensure_ascii=False))


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


def _shortened(text: str, limit: int, link: str) -> str:
    if len(text) <= limit:
        return text
    head = _head(text, limit)
    rest = f"_… {len(text) - len(head)} more characters are cut here"
    # A link that is longer than that cannot be opened either.
    if link and len(link) <= LINK_LIMIT:
        return f"{head}\n{rest}: <{link}|the whole incident>_"
    return f"{head}\n{rest}; 'backout incidents show' has all._"


def _head(text: str, limit: int) -> str:
    """Return the beginning up to the last line break, or else the last space, that is not too far back."""
    head = text[:limit]
    for border in ("\n", " "):
        if (at := head.rfind(border)) > limit // 2:
            return _HALF_ENTITY.sub("", head[:at])
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
