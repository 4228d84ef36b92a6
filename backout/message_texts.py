"""The texts of sent messages, as far as an incident carries them itself."""

from __future__ import annotations

from backout.timeline import Event, MessageSent

MOST_TEXT = 100_000
"""Characters of sent messages that a case keeps: the case must fit into one message."""
SHORTENED = (
    "(shortened here; the whole text is in the record in the store, and in the channel that it went to)"
)


def bound(timeline: list[Event], *, stored: int) -> None:
    """Leave the oldest messages their first line once the newest event makes all texts too much to carry.

    So many events of the timeline are in the store, which has them whole; where it is out of reach for long,
    what it does not have is shortened too.
    """
    if not isinstance(timeline[-1], MessageSent):
        return
    room = MOST_TEXT
    for place in reversed(range(len(timeline))):
        event = timeline[place]
        if not isinstance(event, MessageSent):
            continue
        room -= len(event.text)
        if room < (0 if place < stored else -3 * MOST_TEXT) and not event.text.endswith(SHORTENED):
            first, _, _ = event.text.partition("\n")
            timeline[place] = event.model_copy(update={"text": f"{first}\n{SHORTENED}"})
