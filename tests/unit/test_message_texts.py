"""A case carries the texts of its messages up to a bound; what it leaves out is in the store."""

from __future__ import annotations

from backout.message_texts import MOST_TEXT, SHORTENED
from backout.timeline import MessageSent
from tests.unit.views import at, case_of

TEXT = "A title\n" + "x" * 9_992


def message(number: int) -> MessageSent:
    return MessageSent(at=at(number), audience="customers", channel="status-page", text=TEXT)


def test_the_oldest_texts_that_are_stored_are_shortened_to_their_first_line() -> None:
    case = case_of(*(message(number) for number in range(11)))
    assert [event.text for event in case.timeline] == [TEXT] * 11  # type: ignore[union-attr]
    case.published = 11
    case.add(message(11), now=at(11), step="")
    texts = [event.text for event in case.timeline if isinstance(event, MessageSent)]
    assert texts == [f"A title\n{SHORTENED}"] * 2 + [TEXT] * 10
    assert [event.seq for event in case.timeline] == list(range(1, 13))


def test_what_the_store_does_not_have_stays_whole_for_long_and_not_for_ever() -> None:
    case = case_of(*(message(number) for number in range(100)))
    texts = [event.text for event in case.timeline if isinstance(event, MessageSent)]
    assert sum(map(len, texts)) < 5 * MOST_TEXT
    assert texts[-40:] == [TEXT] * 40


def test_hourly_notices_for_two_weeks_fit_into_one_message() -> None:
    case = case_of()
    for number in range(400):
        case.add(message(number), now=at(number), step="hold")
        case.published = number
    assert len(case.model_dump_json()) < 500_000
