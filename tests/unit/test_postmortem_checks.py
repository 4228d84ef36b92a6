"""The postmortem says of every check what came of it, and lists the evidence."""

from __future__ import annotations

from backout.messages import Evidence
from backout.postmortem import facts
from backout.provenance import evidence_of
from backout.timeline_exposure import CheckRun
from tests.unit.test_postmortem_document import document
from tests.unit.views import at, view_of


def run(minute: int, check: str, found: str, *, passed: bool = False, again: bool = False) -> CheckRun:
    return CheckRun(at=at(minute), check=check, passed=passed, found=found, again=again)


def listed(evidence: Evidence) -> str:
    return document(view_of(run(1, "outputs", "3 outputs").model_copy(update={"evidence": evidence})))


def test_of_a_check_that_was_looked_at_again_only_what_came_of_it_is_told() -> None:
    looks = (
        run(1, "queue", "9 left", again=True),
        run(2, "cache", "1 entry", again=True),
        run(3, "queue", "4 left", again=True),
        run(4, "queue", "0 left", passed=True),
    )
    view = view_of(*looks)
    assert [check.found for check in facts(view).checks] == ["1 entry", "0 left"]
    text = document(view)
    assert "- Integrity check `cache`: **did not pass in time** (1 entry)" in text
    assert "- Integrity check `queue`: passed (0 left)" in text
    assert "9 left" not in text.partition("## Timeline")[0]


def test_every_look_that_failed_for_good_is_told() -> None:
    view = view_of(run(1, "queue", "9 left"), run(2, "queue", "0 left", passed=True))
    assert [check.found for check in facts(view).checks] == ["9 left", "0 left"]


def test_a_short_list_of_ids_is_whole() -> None:
    evidence = evidence_of(("o-1", "o-2", "o-3"))
    assert f"  - Evidence: 3 ids, digest `{evidence.digest}`: o-1, o-2, o-3\n" in listed(evidence)


def test_of_a_long_list_the_first_are_told_and_where_all_of_them_are() -> None:
    evidence = evidence_of([f"o-{number:03}" for number in range(103)])
    kept = evidence.model_copy(update={"location": "/documents/evidence.txt"})
    text = listed(kept)
    assert f"103 ids, digest `{evidence.digest}`, all of them in /documents/evidence.txt: o-000, " in text
    assert ", o-099 and 3 more\n" in text
    assert "o-100" not in text
