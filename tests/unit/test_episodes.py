"""Which episode an alert belongs to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from backout.alerts import Alert
from backout.episodes import LONGEST_OPEN, placed
from backout.senders.message import Starts, Told

NINE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Status = Literal["firing", "resolved"]


def alert(minutes: float, status: Status = "firing", **labels: str) -> Alert:
    return Alert(
        source="s",
        fingerprint="f",
        starts_at=NINE + minutes * MINUTE,
        status=status,
        name="Bad",
        labels=labels,
    )


def start(minutes: float, status: Status, starts: Starts, *kept: Alert) -> float:
    found = placed(Told(alert=alert(minutes, status), starts=starts), kept[::-1])
    assert found.status == status
    return (found.starts_at - NINE) / MINUTE


FIRED, OVER, AGAIN = alert(0), alert(0, "resolved"), alert(10)


@pytest.mark.parametrize("status", ["firing", "resolved"])
def test_a_start_that_is_said_is_believed(status: Status) -> None:
    assert start(5, status, "said", FIRED) == 5


@pytest.mark.parametrize("status", ["firing", "resolved"])
def test_where_a_fingerprint_is_one_episode_it_began_when_it_was_first_heard_of(status: Status) -> None:
    assert start(5, status, "first heard") == 5
    assert start(5, status, "first heard", FIRED) == 0
    assert start(5, status, "first heard", FIRED, OVER) == 0


@pytest.mark.parametrize(
    ("at", "kept", "expected"),
    [
        pytest.param(5, [], 5, id="nothing is known"),
        pytest.param(5, [FIRED], 0, id="it goes on"),
        pytest.param(5, [FIRED, OVER], 5, id="it was over, so it begins anew"),
        pytest.param(0, [FIRED, OVER], 0, id="the first message comes again after its end"),
        pytest.param(15, [FIRED, OVER, AGAIN], 10, id="the newest goes on"),
        pytest.param(-5, [FIRED], 0, id="an earlier message comes late"),
        pytest.param(60 * 24 - 1, [FIRED], 0, id="almost a day later"),
        pytest.param(60 * 24, [FIRED], 60 * 24, id="its end was lost a day ago"),
    ],
)
def test_firing_goes_on_with_the_open_episode_or_begins_one(
    at: float, kept: list[Alert], expected: float
) -> None:
    assert start(at, "firing", "open", *kept) == expected


@pytest.mark.parametrize(
    ("at", "kept", "expected"),
    [
        pytest.param(5, [], 5, id="nothing is known"),
        pytest.param(5, [FIRED], 0, id="its end"),
        pytest.param(6, [FIRED, OVER], 0, id="its end is told again"),
        pytest.param(15, [FIRED, OVER, AGAIN], 10, id="the end of the newest"),
        pytest.param(5, [FIRED, AGAIN], 0, id="an end that comes late is that of the episode before it"),
        pytest.param(10_000, [FIRED], 0, id="after days"),
    ],
)
def test_an_end_is_that_of_the_newest_episode_that_had_begun(
    at: float, kept: list[Alert], expected: float
) -> None:
    assert start(at, "resolved", "open", *kept) == expected


def test_an_episode_stays_with_the_labels_that_it_was_routed_by() -> None:
    changed = Told(alert=alert(5, "resolved", release="other", new="x"), starts="open")
    assert placed(changed, [alert(0, release="r2")]).labels == {"release": "r2"}
    assert placed(changed, []).labels == {"release": "other", "new": "x"}


def test_a_day_is_how_long_an_episode_goes_on_without_its_end() -> None:
    assert timedelta(days=1) == LONGEST_OPEN
