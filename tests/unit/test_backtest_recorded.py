"""Recorded counts: what a CSV file says, what it may not say, and the looks that come of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backout.counting import Look, Totals
from backout.errors import InvalidDocument
from backout.recorded import Row, read_rows
from backout.series import looks_of_rows
from backout.simulation import Simulation
from tests.unit.recorded import LIMIT, RATIO, START, TICK, guard

HEADER = "at,signal,bad,judged\n"
COHORTS = guard(
    signals={
        "errors": RATIO,
        "topics": {"kind": "distribution", "source": "m", "family": "quality", "of": "n", "by": "topic"},
    },
    criteria=[
        {"id": "limit", "signal": "errors", "test": LIMIT},
        {"id": "gap", "signal": "errors", "test": {"compare": "gap", "by": "language", "max_ratio": 2}},
        {
            "id": "against",
            "signal": "errors",
            "test": {"compare": "baseline", "max_ratio": 2, "bad": "b", "of": "n"},
        },
        {
            "id": "drift",
            "signal": "topics",
            "test": {"compare": "drift", "reference": {"billing": 1}, "max_rise": "10%"},
        },
    ],
)


def rows(text: str) -> list[Row]:
    return list(read_rows(text.splitlines(keepends=True), file="days.csv", guard=COHORTS))


def looked(text: str, tick: timedelta = TICK) -> list[Look]:
    return list(looks_of_rows(rows(text), tick=tick))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "days.csv:1: the first line names no column at, bad, judged", id="nothing"),
        pytest.param("at,signal,bad\n", "names no column judged", id="a column is missing"),
        pytest.param("at,bad,judged\n", "exactly one of the columns signal and stream", id="no name"),
        pytest.param("at,signl,bad,judged\n", "unknown column 'signl'; did you mean 'signal'?", id="typo"),
        pytest.param(
            HEADER + "2026-03-02T08:00:00,errors,1,2",
            "days.csv:2: '2026-03-02T08:00:00' has no time zone",
            id="naive time",
        ),
        pytest.param(HEADER + "yesterday,errors,1,2", "'yesterday' is no time", id="no time"),
        pytest.param(
            HEADER + "2026-03-02,errors,1,2",
            "days.csv:2: '2026-03-02' is a date without a time; write it as 2026-03-02T00:00:00Z",
            id="a date alone",
        ),
        pytest.param(
            HEADER + "0001-01-01T00:00:00Z,errors,1,2",
            "'0001-01-01T00:00:00Z' is not of the years 1970 to 9998",
            id="year 1",
        ),
        pytest.param(
            HEADER + "1996-03-02T08:00:00Z,errors,1,2\n2026-03-02T08:00:00Z,errors,1,2",
            "days.csv:3: 2026-03-02T08:00:00+00:00 is 10957 days after the row before",
            id="a wrong year",
        ),
        pytest.param("at,signal,bad,bad,judged\n", "names the column bad twice", id="a column twice"),
        pytest.param(
            HEADER + f"2026-03-02T08:00:00Z,errors,1,{'9' * 400}", f"'{'9' * 60}' is no count", id="too large"
        ),
        pytest.param(
            HEADER + "2026-03-02T08:00:00Z,erors,1,2",
            "unknown signal 'erors'; did you mean 'errors'?",
            id="unknown signal",
        ),
        pytest.param(
            HEADER + "2026-03-02T08:00:00Z,errors,3,2", "3 bad of 2 judged: more than all", id="k over n"
        ),
        pytest.param(HEADER + "2026-03-02T08:00:00Z,errors,-1,2", "'-1' is no count of bad", id="negative"),
        pytest.param(
            HEADER + "2026-03-02T08:00:00Z,errors,nan,2", "'nan' is no count of bad", id="not a number"
        ),
        pytest.param(
            HEADER + "2026-03-02T08:00:00Z,errors,1,inf", "'inf' is no count of judged", id="infinite"
        ),
        pytest.param(
            HEADER + "2026-03-02T08:00:00Z,errors,1", "3 values where the first line names 4", id="short row"
        ),
        pytest.param(
            HEADER + "2026-03-02T08:00:15Z,errors,1,2\n2026-03-02T08:00:00Z,errors,1,2",
            "days.csv:3: 2026-03-02T08:00:00+00:00 is earlier than the row before; sort the file",
            id="out of order",
        ),
        pytest.param(
            "at,stream,bad,judged\n2026-03-02T08:00:00Z,error,1,2",
            "unknown stream 'error'",
            id="unknown stream",
        ),
        pytest.param(
            "at,signal,arm,bad,judged\n2026-03-02T08:00:00Z,errors,control,1,2",
            "unknown arm 'control'",
            id="unknown arm",
        ),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_line_and_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        rows(text)
    assert said in str(refused.value)
    assert str(refused.value).startswith("days.csv:")


def test_a_row_feeds_every_stream_that_its_signal_has() -> None:
    found = rows(
        "at,signal,cohort,arm,bad,judged\n"
        "2026-03-02T08:00:15Z,errors,,,1,10\n"
        "2026-03-02T08:00:15Z,errors,de,,2,20\n"
        "2026-03-02T08:00:15Z,errors,,baseline,3,30\n"
        "2026-03-02T08:00:15+00:00,topics,billing,,4,40\n"
    )
    assert [(row.streams, row.cohort) for row in found] == [
        (("errors",), ""),
        (("errors/language",), "de"),
        (("against@baseline",), ""),
        (("topics",), "billing"),
    ]


def test_times_of_other_zones_are_the_same_moments() -> None:
    text = HEADER + "2026-03-02T09:00:15+01:00,errors,1,2\n2026-03-02T08:00:30Z,errors,1,2"
    assert [look.at for look in looked(text)] == [START, START + TICK, START + 2 * TICK]


def test_increments_become_totals_from_zero_and_nothing_is_lost() -> None:
    text = HEADER + "2026-03-02T08:00:15Z,errors,1,10\n2026-03-02T08:00:30Z,errors,2,20"
    assert [look.totals["errors"][""] for look in looked(text)] == [
        Totals(bad=0, of=0),
        Totals(bad=1, of=10),
        Totals(bad=3, of=30),
    ]
    simulation = Simulation(guard())
    for look in looked(text):
        simulation.look(look)
    assert simulation.watch is not None
    track = simulation.watch.tracks["errors"]
    assert (track.bad, track.judged) == (3, 30)


def test_rows_within_one_tick_are_one_look() -> None:
    text = (
        HEADER + "2026-03-02T08:00:15Z,errors,1,10\n2026-03-02T08:00:16Z,errors,1,10\n"
        "2026-03-02T08:00:30Z,errors,1,10\n2026-03-02T08:00:31Z,errors,1,10"
    )
    found = looked(text)
    assert [look.at - START for look in found] == [n * TICK for n in range(4)]
    assert [look.totals["errors"][""].of for look in found] == [0, 10, 30, 40]


def test_a_gap_is_looks_without_data() -> None:
    text = HEADER + "2026-03-02T08:00:15Z,errors,1,10\n2026-03-02T08:01:15Z,errors,1,10"
    assert [bool(look.totals) for look in looked(text)] == [True, True, False, False, False, True]


def test_a_cohort_that_comes_late_begins_at_zero() -> None:
    text = (
        "at,signal,cohort,bad,judged\n2026-03-02T08:00:15Z,errors,de,1,10\n"
        "2026-03-02T08:00:30Z,errors,de,1,10\n2026-03-02T08:00:30Z,errors,sv,5,10\n"
    )
    last = looked(text)[-2:]
    assert [look.totals["errors/language"]["sv"] for look in last] == [
        Totals(bad=0, of=0),
        Totals(bad=5, of=10),
    ]


def test_of_events_only_how_many_they_were_must_be_known() -> None:
    (row,) = rows(HEADER + "2026-03-02T08:00:15Z,errors,2,")
    assert (row.bad, row.judged) == (2, 2)
