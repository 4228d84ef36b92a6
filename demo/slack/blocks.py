"""What Slack takes as a message or form: the limits of slack_sdk's models, and those that they leave out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

MOST_BLOCKS, MOST_BLOCKS_OF_A_VIEW = 50, 100
LONGEST_BLOCKS = 13_200
"""Characters of all blocks together: Slack refuses more, by what was seen and not by what it promises."""
_LONGEST = {"action_id": 255, "block_id": 255, "callback_id": 255, "private_metadata": 3000, "value": 2000}
"""Characters that a field may have, wherever it stands."""
_LONGEST_TEXT = 3000
_KNOWN = frozenset({"header", "section", "context", "actions", "divider", "input", "image"})


def refused_blocks(blocks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what Slack would not take, as it says it: first the error's name, then the places."""
    problems = [*_refused(blocks, most=MOST_BLOCKS)]
    if not problems and len(json.dumps(blocks, ensure_ascii=False)) > LONGEST_BLOCKS:
        return ["msg_blocks_too_long"]
    return ["invalid_blocks", *problems] if problems else []


def refused_view(view: Mapping[str, Any]) -> list[str]:
    """Return what Slack would not take of a form, as it says it."""
    problems = [*_refused(view.get("blocks", ()), most=MOST_BLOCKS_OF_A_VIEW), *_too_long(view, "/view")]
    try:
        View(**view).validate_json()
    except (SlackObjectFormationError, TypeError) as error:
        problems.append(f"{error} [json-pointer:/view]")
    return ["invalid_arguments", *problems] if problems else []


def _refused(blocks: Sequence[Mapping[str, Any]], *, most: int) -> Iterator[str]:
    if len(blocks) > most:
        yield f"no more than {most} items allowed [json-pointer:/blocks]"
    ids = Counter(block["block_id"] for block in blocks if block.get("block_id"))
    yield from (f"duplicate block_id '{name}'" for name, count in ids.items() if count > 1)
    for number, block in enumerate(blocks):
        place = f"/blocks/{number}"
        if block.get("type") not in _KNOWN:
            yield f"unsupported type: {block.get('type')} [json-pointer:{place}]"
            continue
        yield from _too_long(block, place)
        yield from _misformed(block, place)


def _misformed(block: Mapping[str, Any], place: str) -> Iterator[str]:
    try:
        parsed = Block.parse(dict(block))
        assert parsed is not None  # noqa: S101  # its type is known
        shown = parsed.to_dict()
    except (SlackObjectFormationError, TypeError, KeyError) as error:
        yield f"{error} [json-pointer:{place}]"
        return
    if lost := sorted(_paths(block) - _paths(shown)):
        yield f"no such field: {', '.join(lost)} [json-pointer:{place}]"
    elements = [element.get("action_id") for element in block.get("elements", ())]
    if len(named := [name for name in elements if name]) > len(set(named)):
        yield f"action_id is not unique in its block [json-pointer:{place}]"


def _too_long(value: object, place: str) -> Iterator[str]:
    """Yield the texts that are too long or empty, deep down."""
    match value:
        case Mapping():
            for name, inner in value.items():
                here = f"{place}/{name}"
                most = _LONGEST.get(name, _LONGEST_TEXT)
                if isinstance(inner, str) and len(inner) > most:
                    yield f"must be at most {most} characters [json-pointer:{here}]"
                elif inner == "" and name == "text":
                    yield f"must be more than 0 characters [json-pointer:{here}]"
                else:
                    yield from _too_long(inner, here)
        case list():
            for number, inner in enumerate(value):
                yield from _too_long(inner, f"{place}/{number}")


def _paths(value: object, place: str = "") -> set[str]:
    """Return the places of all fields: what the models do not know, they leave out."""
    match value:
        case Mapping():
            return {
                path
                for name, inner in value.items()
                for path in (f"{place}/{name}", *_paths(inner, f"{place}/{name}"))
            }
        case list():
            return {path for number, inner in enumerate(value) for path in _paths(inner, f"{place}/{number}")}
        case _:
            return set()
