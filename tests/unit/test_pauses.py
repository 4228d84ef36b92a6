"""Whatever a server writes into Retry-After, it is a pause within reason."""

from __future__ import annotations

import pytest

from adapters.pauses import pause_s


@pytest.mark.parametrize(
    ("said", "pause"),
    [
        ("7", 7.0),
        ("3600", 60.0),
        ("9" * 5000, 2.0),
        ("Mon, 01 Jan 2001 00:00:00 GMT", 2.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 60.0),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", 2.0),
        ("Mon, 01 Jan 2026 00:00:00 +99999999999999999999", 2.0),
        ("soon", 2.0),
        ("", 2.0),
    ],
)
def test_a_pause_is_what_was_asked_for_within_reason(said: str, pause: float) -> None:
    assert pause_s(said, otherwise=2.0, longest=60.0) == pause
