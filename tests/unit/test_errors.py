"""Errors: their docstring is their message, filled with what happened."""

from __future__ import annotations

from backout.errors import FileUnreadable, NothingToTest


def test_a_reason_that_is_a_sentence_of_its_own_ends_the_message_once() -> None:
    said = str(NothingToTest(why="the page knows only the present. Use another source."))
    assert said.startswith(
        "There is nothing to test on: the page knows only the present. Use another source. N"
    )


def test_a_remedy_at_the_end_keeps_its_full_stop() -> None:
    error = FileUnreadable(what="Outbox", path="outbox.db", why="it is broken", remedy="Move it away.")
    assert str(error) == "Outbox outbox.db cannot be read: it is broken. Move it away."
