"""Lint: lengths of time that no tick, no person and no source's memory can keep."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backout.site import PushSource, ReportSource
from tests.unit.linted import GONE, LANGUAGE, SITE, Changes, found, said


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({"tick": "20ms"}, "tick", "every source would be asked 50 times a second; write 500ms or more"),
        (
            {"remind": "59s"},
            "remind",
            "people would be paged again after 59s, before they could answer; lengthen it",
        ),
        (
            {"rules.2.approve_within": "5s"},
            "rules[2].approve_within",
            "nobody reads a plan and answers within 5s; lengthen it",
        ),
    ],
)
def test_what_is_too_short_for_people_and_sources_is_a_warning(
    changes: Changes, path: str, message: str
) -> None:
    assert ("warning", path, message) in said(changes)


@pytest.mark.parametrize("field", ["within", "look_back"])
def test_a_detection_shorter_than_a_tick_is_refused(field: str) -> None:
    message = "14s is shorter than a tick (15s); lengthen it"
    assert ("error", f"steps[0].{field}", message) in said({f"steps.0.{field}": "14s"})


@pytest.mark.parametrize("kind", ["push", "report"])
def test_a_look_back_beyond_what_a_source_remembers_is_a_warning(kind: str) -> None:
    pushed = next(name for name, one in SITE.sources.items() if isinstance(one, PushSource))
    keep = timedelta(minutes=59)
    report = ReportSource(kind="report", path="r.jsonl", keep=keep)
    other = report if kind == "report" else SITE.sources[pushed].model_copy(update={"keep": keep})
    site = SITE.model_copy(update={"sources": {**SITE.sources, pushed: other}})
    message = f"source '{pushed}' remembers 59m only; shorten this, or lengthen its 'keep' in the site file"
    told = ("warning", "steps[0].look_back", message)
    assert told in found({"steps.0.look_back": "1h"}, site, LANGUAGE)
    assert told not in found({"steps.0.look_back": "59m"}, site, LANGUAGE)
    assert told not in found({"steps.0.look_back": GONE}, site, LANGUAGE)


def test_what_is_just_long_enough_is_let_pass() -> None:
    told = said({"remind": "1m", "rules.2.approve_within": "1m"})
    assert not [path for _, path, _ in told if path in {"remind", "rules[2].approve_within"}]
    assert not [path for _, path, _ in said({"tick": "500ms"}) if path == "tick"]
