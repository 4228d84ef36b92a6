"""Evaluation reports: what their verdicts and values count."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.sources import report_series
from adapters.sources.report import Reports
from backout.counting import Clock, Counted, Query
from tests.adapters.asking import answer, counts, problem, values
from tests.adapters.reporting import NOON, at, line, source_of, write


async def clocked(source: Reports, text: str, clock: Clock) -> Counted:
    (counted,) = await source.look(queries=[Query(text=text, clock=clock)])
    return counted


async def history(source: Reports, query: Query, start: float, end: float) -> list[dict[str, float]]:
    """What was counted at each minute from start to end."""
    first, last = NOON + timedelta(minutes=start), NOON + timedelta(minutes=end)
    (found,) = await source.history(queries=[query], start=first, end=last, tick=timedelta(minutes=1))
    return [counted.counts for counted in found]


async def test_a_verdict_counts_what_was_judged_and_what_was_bad(
    report: Path, append: Callable[..., None]
) -> None:
    append(line("o-1", unsafe=True, rude=False), line("o-2", unsafe=False), line("o-3", unsafe=True))
    found = await counts(source_of(report), "unsafe.bad", "unsafe.judged", "rude.bad", "rude.judged")
    assert found == [2, 3, 0, 1]


async def test_ids_of_another_release_are_no_data_and_it_says_so(
    report: Path, append: Callable[..., None]
) -> None:
    append(line("o-1", labels="release=r1", unsafe=False), line("o-1", labels="release=r2", unsafe=True))
    (found,) = await source_of(report).look(queries=[Query(text='unsafe.judged{release="r2"}')])
    assert found.counts == {}
    assert "each output was told before, with other labels" in found.problem
    assert "labelled" not in found.problem


async def test_labels_select_and_tell_cohorts_apart(report: Path, append: Callable[..., None]) -> None:
    append(
        line("o-1", labels="release=r2 language=de", unsafe=True),
        line("o-2", labels="release=r2 language=en", unsafe=False),
        line("o-3", labels="release=r1 language=en", unsafe=True),
        line("o-4", labels="release=r2", unsafe=True),
    )
    source = source_of(report)
    assert await counts(source, 'unsafe.bad{release="r2"}', 'unsafe.judged{language!="de"}') == [2, 3]
    found = await answer(source, 'unsafe.bad{release="r2"}', by="language")
    assert found.counts == {"de": 1, "en": 0, "(none)": 1}
    assert (
        await problem(source, "unsafe.bad", by="country") == "'unsafe.bad': no series has the label 'country'"
    )


async def test_values_are_counted_up_to_a_bound(report: Path, append: Callable[..., None]) -> None:
    append(*(line(f"o-{number}", usefulness=number / 10) for number in range(11)))
    source = source_of(report)
    assert (await values(source, 'usefulness{release="r2"}')).total == 11
    assert (await values(source, "usefulness", up_to=0.3)).total == 4
    assert (await values(source, "usefulness", up_to=-1)).total == 0
    append(line("o-11", usefulness=0.2))
    assert (await values(source, "usefulness", up_to=0.3)).total == 5


async def test_an_output_with_the_same_verdict_again_counts_once(
    report: Path, append: Callable[..., None]
) -> None:
    append(line("o-1", unsafe=True), line("o-1", unsafe=False), line("o-1", rude=True, usefulness=0.1))
    append(line("o-1", usefulness=0.2))
    source = source_of(report)
    assert await counts(source, "unsafe.bad", "unsafe.judged", "rude.judged") == [1, 1, 1]
    assert (await values(source, "usefulness")).total == 1


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("not json", "it is no JSON (expected "),
        ("[]", "expected a mapping (lines of 'key: value'), found a list"),
        ("{}", "output"),
        (line("", unsafe=True), "output: "),
        (line("o", unsafe=True).replace("true", "1"), "verdicts.unsafe: "),
        (line("o", unsafe=True).replace("true", '"yes"'), "verdicts.unsafe: "),
        (line("o", useful=0.5).replace("0.5", "NaN"), "values.useful: "),
        (line("o", useful=0.5).replace("0.5", "true"), "values.useful: "),
        (line("o", unsafe=True).replace("unsafe", "un safe"), "verdicts"),
        (line("o", unsafe=True).replace('"r2"', "2"), "labels.release: "),
        (line("o", unsafe=True).replace("verdicts", "verdict"), "verdict"),
        (line("o", unsafe=True).replace("+00:00", ""), "at: "),
        (line("o", unsafe=True).replace(json.dumps(at(0)), "1767614400"), "at: "),
        (
            line("o", made=2, judged=0, unsafe=True),
            "it was judged at 2026-01-05T12:00:00+00:00, before it was",
        ),
        (line("o", made=1442, unsafe=True), "2026-01-06T12:02:00+00:00 is in the future"),
        ('{"output": "\udce4"}', "it is no JSON"),
        (line("o", unsafe=True).replace("true", 'true, "unsafe": false'), "'unsafe' is there twice in one"),
        ("\ufeff" + line("o", unsafe=True), "it is no JSON"),
        (line("o", useful=0.5).replace("0.5", "1e400"), "values.useful: "),
    ],
)
async def test_a_broken_line_counts_nothing_and_is_told_with_its_place(
    report: Path, broken: str, says: str
) -> None:
    text = line("o-1", unsafe=True) + broken.rstrip("\n") + "\n" + line("o-2", unsafe=False)
    write(report, text)
    found = await answer(source_of(report), "unsafe.judged")
    assert found.counts == {"": 2}
    assert found.note.startswith(f"broken lines that are not counted: 1, such as {report}:2: ")
    assert says in found.note


async def test_where_every_line_is_broken_the_query_says_so(report: Path) -> None:
    write(report, "{}\n" * 5)
    told = await problem(source_of(report), "unsafe.bad")
    assert told.startswith(
        "no line has a verdict 'unsafe'. Known: none; broken lines that are not counted: 5, such"
    )
    assert f"{report}:1: " in told


async def test_labels_of_too_many_values_are_refused(
    report: Path, append: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_series, "SERIES_LIMIT", 2)
    append(*(line(f"o-{number}", labels=f"user={number % 3}", unsafe=True) for number in range(6)))
    found = await answer(source_of(report), "unsafe.judged")
    assert found.counts == {"": 4}
    assert "lines that are not counted: 2, such as" in found.note
    assert "report.jsonl:3: there are 2 series already, and 2 are the most; use fewer labels" in found.note


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (Query(text="unsafe"), "'unsafe' is no counter; write NAME.bad or NAME.judged"),
        (Query(text="unsafe.count"), "'unsafe.count' is no counter"),
        (Query(text="unsaef.bad"), "no line has a verdict 'unsaef'. Known: unsafe"),
        (Query(text="unsafe.bad{"), "expected a label name"),
        (Query(text='unsafe.bad{release="r9"}'), "no verdict 'unsafe' has such labels"),
        (Query(text="unsafe", part="values"), "no line has a value 'unsafe'. Known: usefulness"),
    ],
)
async def test_a_query_that_makes_no_sense_has_a_problem_and_spoils_no_other(
    report: Path, append: Callable[..., None], query: Query, says: str
) -> None:
    append(line("o-1", unsafe=True, usefulness=1.0))
    source = source_of(report)
    broken, sound = await source.look(queries=[query, Query(text="unsafe.bad")])
    assert (broken.counts, says in broken.problem, sound.total) == ({}, True, 1)
    (then,) = await source.history(queries=[query], start=NOON, end=NOON, tick=timedelta(minutes=1))
    assert (then[0].counts, says in then[0].problem) == ({}, True)


async def test_late_verdicts_count_when_they_come_or_are_told_as_stale(
    report: Path, append: Callable[..., None]
) -> None:
    append(line("o-1", made=0, judged=5.1, unsafe=True))
    source = source_of(report)
    assert await clocked(source, "unsafe.judged", "arrival") == Counted(
        problem="late by more than 5m and not counted: 1 verdicts; `clock: labelled` counts what comes late"
    )
    append(line("o-2", made=0, judged=5, unsafe=False))
    note = "late by more than 5m and not counted: 1 verdicts"
    assert await clocked(source, "unsafe.judged", "arrival") == Counted(counts={"": 1}, note=note)
    assert await clocked(source, "unsafe.bad", "arrival") == Counted(counts={"": 0}, note=note)
    assert await clocked(source, "unsafe.bad", "labelled") == Counted(counts={"": 1})


async def test_history_places_outputs_as_the_clock_of_the_signal_does(
    report: Path, append: Callable[..., None]
) -> None:
    append(line("o-3", made=3, judged=4, unsafe=True), line("o-1", made=1, judged=4, unsafe=True))
    append(line("o-2", made=2, judged=20, unsafe=True), line("o-4", made=2, judged=2, unsafe=False))
    source = source_of(report)
    assert await history(source, Query(text="unsafe.judged"), 0, 4) == [
        {},
        {"": 1},
        {"": 2},
        {"": 3},
        {"": 3},
    ]
    assert await history(source, Query(text="unsafe.bad"), 0, 4) == [{}, {"": 1}, {"": 1}, {"": 2}, {"": 2}]
    labelled = Query(text="unsafe.bad", clock="labelled")
    assert await history(source, labelled, 1, 4) == [{}, {"": 0}, {"": 0}, {"": 2}]
    assert await history(source, labelled, 20, 20) == [
        {"": (await clocked(source, "unsafe.bad", "labelled")).total}
    ]


async def test_history_has_cohorts_and_distributions(report: Path, append: Callable[..., None]) -> None:
    append(line("o-1", made=0, labels="language=de", unsafe=True, usefulness=0.2))
    append(line("o-2", made=1, labels="language=en", unsafe=True, usefulness=0.9))
    source = source_of(report)
    by_language = Query(text="unsafe.bad", by="language")
    assert await history(source, by_language, 0, 1) == [{"de": 1}, {"de": 1, "en": 1}]
    useless = Query(text="usefulness", part="values", up_to=0.5)
    assert await history(source, useless, 0, 1) == [{"": 1}, {"": 1}]
