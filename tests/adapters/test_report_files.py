"""Evaluation reports are files that grow, and are cut, replaced and broken while they are read."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.sources import report_files
from backout.counting import Counted
from backout.errors import Unreachable
from tests.adapters.asking import answer, count, counts, problem
from tests.adapters.reporting import line, remove, replace, source_of, spoil, write


async def test_lines_that_come_later_are_counted_at_the_next_look(
    report: Path, append: Callable[..., None]
) -> None:
    source = source_of(report)
    for number in range(1, 4):
        append(line(f"o-{number}", unsafe=number == 2))
        assert await count(source, "unsafe.judged") == number
    assert await count(source, "unsafe.bad") == 1


async def test_a_last_line_that_is_half_written_waits_for_its_end(
    report: Path, append: Callable[..., None]
) -> None:
    source, whole = source_of(report), line("o-2", unsafe=True)
    append(line("o-1", unsafe=True), whole[:40])
    assert await count(source, "unsafe.judged") == 1
    append(whole[40:])
    assert await answer(source, "unsafe.judged") == Counted(counts={"": 2})


async def test_a_pattern_reads_every_file_and_finds_new_ones(tmp_path: Path) -> None:
    (tmp_path / "day").mkdir()
    (tmp_path / "day" / "a.jsonl").write_text(line("o-1", unsafe=True))
    (tmp_path / "day" / "notes.txt").write_text("no report")
    (tmp_path / "folder.jsonl").mkdir()
    source = source_of(tmp_path / "**" / "*.jsonl")
    assert await count(source, "unsafe.judged") == 1
    (tmp_path / "b.jsonl").write_text(line("o-2", unsafe=True) + line("o-1", unsafe=True))
    assert await count(source, "unsafe.judged") == 2


@pytest.mark.parametrize("lines", [[], ["o-3"], ["o-3", "o-4", "o-5"]])
async def test_a_file_that_was_truncated_or_replaced_is_read_from_its_beginning(
    report: Path, append: Callable[..., None], lines: list[str]
) -> None:
    append(line("o-1", unsafe=True), line("o-2", unsafe=True))
    source = source_of(report)
    assert await count(source, "unsafe.judged") == 2
    write(report, "".join(line(output, unsafe=False) for output in lines))
    # What was counted stays: outputs do not become unjudged.
    assert await counts(source, "unsafe.judged", "unsafe.bad") == [2 + len(lines), 2]


async def test_a_file_that_was_renamed_over_the_old_one_is_read_whole(report: Path) -> None:
    same, old, new, more = (
        [line(f"{name}-{number}", unsafe=True) for number in range(10)] for name in "sonm"
    )
    write(report, "".join(same + old))
    source = source_of(report)
    assert await count(source, "unsafe.judged") == 20
    # It is longer, and begins like the old one.
    replace(report, "".join(same + new + more))
    assert await count(source, "unsafe.judged") == 40


async def test_a_long_file_that_was_cut_and_goes_on_is_read_whole(report: Path) -> None:
    same, old, new = ([line(f"{name}-{number}", unsafe=True) for number in range(10)] for name in "son")
    write(report, "".join(same + old))
    source = source_of(report)
    assert await count(source, "unsafe.judged") == 20
    write(report, "".join(same + new[:5]))
    assert await count(source, "unsafe.judged") == 25


async def test_no_file_is_unreachable_also_when_there_was_one(
    report: Path, append: Callable[..., None]
) -> None:
    source = source_of(report)
    with pytest.raises(Unreachable, match=r"report .*report\.jsonl did not answer: there is no such file"):
        await count(source, "unsafe.bad")
    append(line("o-1", unsafe=True))
    assert await count(source, "unsafe.bad") == 1
    remove(report)
    with pytest.raises(Unreachable):
        await count(source, "unsafe.bad")


async def test_a_file_that_may_not_be_read_is_unreachable(
    append: Callable[..., None], report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    append(line("o-1", unsafe=True))
    # Root, as whom tests may run, may read everything.
    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(Unreachable, match="Permission denied"):
        await count(source_of(report), "unsafe.bad")


async def test_an_empty_file_is_no_data(report: Path) -> None:
    write(report, "\n\n")
    assert await problem(source_of(report), "unsafe.bad") == "no line has a verdict 'unsafe'. Known: none"


async def test_broken_lines_are_forgotten_with_the_file_that_had_them(
    report: Path, append: Callable[..., None]
) -> None:
    append(line("o-1", unsafe=True), "broken\n")
    source = source_of(report)
    assert "report.jsonl:2" in (await answer(source, "unsafe.bad")).note
    write(report, line("o-1", unsafe=True))
    assert await answer(source, "unsafe.bad") == Counted(counts={"": 1})
    append("broken again\n")
    assert "not counted: 1, such as" in (await answer(source, "unsafe.bad")).note


async def test_a_line_without_end_is_skipped_when_it_is_too_long(
    report: Path, append: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_files, "LINE_LIMIT", 1000)
    source = source_of(report)
    append(line("o-1", unsafe=True), "x" * 2500)
    assert await answer(source, "unsafe.judged") == Counted(counts={"": 1})
    append("x" * 700 + "\n", line("o-2", unsafe=True))
    found = await answer(source, "unsafe.judged")
    assert found.counts == {"": 2}
    assert "report.jsonl:2: it is longer than" in found.note


async def test_what_was_read_once_is_not_read_again(report: Path, append: Callable[..., None]) -> None:
    append(line("o-1", unsafe=True), line("o-2", unsafe=True))
    source = source_of(report)
    assert await count(source, "unsafe.judged") == 2
    # Only who reads it again can see this.
    spoil(report)
    assert await answer(source, "unsafe.judged") == Counted(counts={"": 2})


async def test_a_byte_order_mark_before_the_first_line_is_none_of_it(report: Path) -> None:
    write(report, "\ufeff" + line("o-1", unsafe=True) + line("o-2", unsafe=True))
    assert await answer(source_of(report), "unsafe.bad") == Counted(counts={"": 2})
