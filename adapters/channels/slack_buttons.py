"""Buttons as Slack's Block Kit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import accumulate

from slack_sdk.models.blocks import ActionsBlock, ButtonElement, ConfirmObject, PlainTextObject

from backout.buttons import action_id_of, value_of
from backout.messages import Button

MOST_BUTTONS = 25
"""Buttons in a row; Slack takes no more. They are the most urgent ones, and the others are typed."""
ROW_LIMIT = 6000
"""Characters of a row: it leaves room for the text, as Slack limits both together."""
_LABEL_LIMIT, _CONFIRM_LIMIT, _BLOCK_ID_LIMIT = 75, 300, 255


def row_of(buttons: Sequence[Button]) -> ActionsBlock:
    """Return the row of buttons, in their order, as many as there is room for."""
    elements = [_element(button) for button in buttons[:MOST_BUTTONS]]
    lengths = accumulate(len(json.dumps(element.to_dict(), ensure_ascii=False)) for element in elements)
    fitting = sum(length <= ROW_LIMIT for length in lengths)
    # Slack wants another id whenever a message changes: otherwise it may take the buttons for the old ones.
    block_id = f"{buttons[0].seen}:{buttons[0].incident}"[:_BLOCK_ID_LIMIT]
    return ActionsBlock(block_id=block_id, elements=elements[:fitting])


def _element(button: Button) -> ButtonElement:
    return ButtonElement(
        text=PlainTextObject(text=button.label[:_LABEL_LIMIT], emoji=False),
        action_id=action_id_of(button),
        value=value_of(button),
        style=button.style or None,
        confirm=_confirm(button) if button.confirm else None,
    )


def _confirm(button: Button) -> ConfirmObject:
    return ConfirmObject(
        title=PlainTextObject(text="Sure?"),
        text=PlainTextObject(text=button.confirm[:_CONFIRM_LIMIT], emoji=False),
        confirm=PlainTextObject(text="Yes"),
        deny=PlainTextObject(text="No"),
    )
