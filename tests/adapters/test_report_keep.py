"""Evaluation reports that go on for months: what is old is forgotten, and stays counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.sources import report
from adapters.sources.report import Reports
from adapters.sources.report_lines import Judged
from adapters.sources.report_outputs import ToldBefore
from adapters.sources.report_series import ALL, Told
from adapters.stores.instants import micros
from backout.counting import Counted, Query
from tests.adapters.asking import answer, counts, values
from tests.adapters.reporting import NOON, at, line, write

TOO_OLD = "too old, or told again, and not counted: {} lines; outputs are forgotten after 8m (`keep`)"


def keeping(path: Path | str) -> Reports:
    """Outputs are forgotten minute by minute here, eight minutes after they were produced."""
    return Reports(str(path), lambda: NOON + timedelta(days=1), keep=timedelta(minutes=8))


async def history(source: Reports, query: Query, start: int, end: int) -> tuple[Counted, ...]:
    first, last = NOON + timedelta(minutes=start), NOON + timedelta(minutes=end)
    (found,) = await source.history(queries=[query], start=first, end=last, tick=timedelta(minutes=1))
    return found


async def test_totals_never_fall_and_stay_right_while_outputs_are_forgotten(
    report: Path, append: Callable[..., None]
) -> None:
    source = keeping(report)
    for minute in range(100):
        append(line(f"o-{minute}", made=minute, judged=minute + 1, unsafe=minute % 4 == 0, score=minute % 5))
        assert await counts(source, "unsafe.judged", "unsafe.bad") == [minute + 1, minute // 4 + 1]
        assert (await values(source, "score")).total == minute + 1
        assert (await values(source, "score", up_to=1)).total == sum(m % 5 <= 1 for m in range(minute + 1))


async def test_an_output_of_the_first_year_stops_nothing(report: Path, append: Callable[..., None]) -> None:
    append(line("o-1", unsafe=True).replace(at(0), "0001-01-01T00:00:00Z", 1), line("o-2", unsafe=True))
    assert (await answer(keeping(report), "unsafe.judged")).total == 1
    append(line("o-3", unsafe=True).replace(at(0), "0001-01-01T00:00:00+14:00"))
    found = await answer(keeping(report), "unsafe.judged")
    assert (found.total, "broken" in found.note) == (1, False)


@pytest.mark.parametrize("clock", ["arrival", "labelled"])
async def test_what_came_too_late_is_still_told_when_it_is_forgotten(
    report: Path, append: Callable[..., None], clock: str
) -> None:
    append(line("o-1", made=0, judged=6, unsafe=True), line("o-2", made=0, judged=1, unsafe=True))
    append(line("o-3", made=30, unsafe=True))
    query = Query.model_validate({"text": "unsafe.judged", "clock": clock})
    source = keeping(report)
    for _ in range(2):
        (found,) = await source.look(queries=[query])
        assert found.total == (2 if clock == "arrival" else 3)
        assert ("not counted: 1 verdicts" in found.note) == (clock == "arrival")


async def test_a_line_that_is_told_again_is_never_counted_twice(
    report: Path, append: Callable[..., None]
) -> None:
    lines = [line(f"o-{minute}", made=minute, unsafe=True) for minute in range(30)]
    append(*lines)
    source = keeping(report)
    assert await answer(source, "unsafe.bad") == Counted(counts={"": 30})
    append(*lines)
    # Those of the minutes 21 to 29 are remembered; of the others nobody knows any more.
    assert await answer(source, "unsafe.bad") == Counted(counts={"": 30}, note=TOO_OLD.format(21))
    # A file that was cut and written anew is read anew.
    write(report, "".join(lines[10:]))
    assert await answer(source, "unsafe.bad") == Counted(counts={"": 30}, note=TOO_OLD.format(21 + 11))


async def test_a_worker_that_starts_late_counts_what_one_that_was_there_did(
    report: Path, append: Callable[..., None]
) -> None:
    asked = [Query(text="unsafe.bad"), Query(text="score", part="values", up_to=20)]
    lines = [line(f"o-{minute}", made=minute, unsafe=minute % 2 == 0, score=minute) for minute in range(50)]
    first = keeping(report)
    for minute in range(50):
        append(lines[minute], lines[minute // 2])
        await first.look(queries=asked)
    for source in (first, keeping(report)):
        assert [found.total for found in await source.look(queries=asked)] == [25, 21]


async def test_files_that_grow_side_by_side_are_read_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "_AT_ONCE", 3)
    for name, pace in (("a", 30), ("b", 1), ("c", 2)):
        text = "".join(line(f"{name}-{number}", made=pace * number, unsafe=True) for number in range(40))
        write(tmp_path / f"{name}.jsonl", text)
    # Were one read to its end first, the others' lines would be too old.
    assert await answer(keeping(tmp_path / "*.jsonl"), "unsafe.bad") == Counted(counts={"": 120})


async def test_history_says_what_it_no_longer_knows_and_begins_with_the_right_total(
    report: Path, append: Callable[..., None]
) -> None:
    append(*(line(f"o-{minute}", made=minute, unsafe=minute % 2 == 0) for minute in range(30)))
    found = await history(keeping(report), Query(text="unsafe.bad"), 19, 24)
    assert found[:2] == (Counted(problem="outputs are forgotten after 8m (`keep`)"),) * 2
    assert [one.total for one in found[2:]] == [11, 12, 12, 13]


async def test_a_bound_that_is_asked_for_late_counts_from_what_is_remembered(
    report: Path, append: Callable[..., None]
) -> None:
    append(*(line(f"o-{minute}", made=minute, score=minute % 2) for minute in range(30)))
    source = keeping(report)
    assert (await values(source, "score")).total == 30
    assert (await values(source, "score", up_to=0)).total == 4
    append(line("o-31", made=31, score=0))
    assert (await values(source, "score", up_to=0)).total == 5
    assert (await values(source, "score")).total == 31


async def test_without_a_limit_nothing_is_forgotten(report: Path, append: Callable[..., None]) -> None:
    lines = [line(f"o-{minute}", made=minute, unsafe=True) for minute in (0, 1440)]
    append(*lines, *lines)
    source = Reports(str(report), lambda: NOON + timedelta(days=1))
    assert await answer(source, "unsafe.bad") == Counted(counts={"": 2})


def test_many_ids_are_each_new_once_and_forgotten_with_their_span() -> None:
    told = ToldBefore(span=100)
    assert all(told.add(number * 7919, at=number) for number in range(10_000))
    assert not any(told.add(number * 7919, at=number) for number in range(10_000))
    assert not told.add(0, at=5_000)
    told.forget(150)
    assert [told.add(number * 7919, at=number) for number in (99, 100)] == [True, False]


def test_old_ids_and_verdicts_take_no_memory() -> None:
    told = Told(timedelta(minutes=8))
    for minute in range(100):
        at = NOON + timedelta(minutes=minute)
        told.add(Judged(output=f"o-{minute}", at=at, judged_at=at, verdicts={"unsafe": True}))
        told.forget(micros(at))
    (series,) = told.named("verdict", "unsafe")
    kept = (len(told._known._spans), len(series._at), len(series._values))  # noqa: SLF001  # memory is inside
    assert kept == (9, 9, 9)
    assert series.count("arrival", ALL).judged == 100
