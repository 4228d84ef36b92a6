"""What is told of a baseline's proof: on the timeline, in the postmortem and on paper."""

from __future__ import annotations

from backout.checklist_stages import BLANK
from backout.notices import facts
from backout.timeline_baseline import BaselineProven, BaselineUnproven, gone_back_to
from tests.unit.linted import changed
from tests.unit.papers import lines
from tests.unit.test_postmortem_document import document
from tests.unit.views import OPENING, at, case_of, view_of

PROVEN = BaselineProven(at=at(1), seq=1, baseline="r1", shown=("it served 20,000 requests", "it is there"))
ASKED = BaselineUnproven(
    at=at(2), seq=2, baseline="r0", doubts=("it served 8 of 10,000 requests",), choices=("r1, registered",)
)
OVERRIDDEN = ASKED.model_copy(update={"choices": (), "went_on": "it was overridden before"})
NONE = ASKED.model_copy(update={"baseline": "", "choices": ()})


def test_each_event_is_one_sentence_with_every_reason() -> None:
    assert PROVEN.line == "Baseline r1 is proven: it served 20,000 requests; it is there"
    assert ASKED.line == (
        "Baseline r0 is not proven: it served 8 of 10,000 requests. Choices: r1, registered"
    )
    assert NONE.line == "The baseline is not proven: it served 8 of 10,000 requests"
    assert OVERRIDDEN.line == (
        "Baseline r0 is not proven: it served 8 of 10,000 requests. "
        "The revert went on: it was overridden before"
    )


def test_the_baseline_is_the_one_that_was_gone_back_to_and_not_one_that_was_only_asked_about() -> None:
    assert gone_back_to((), "r9") == "r9"
    assert gone_back_to((PROVEN, ASKED), "r9") == "r1"
    assert gone_back_to((PROVEN, OVERRIDDEN), "r9") == "r0"
    assert gone_back_to((NONE.model_copy(update={"went_on": "an emergency"}),), "r9") == "r9"


def test_notices_name_the_baseline_that_was_gone_back_to() -> None:
    known = OPENING.model_copy(update={"baseline": "r9"})
    assert facts(case_of(PROVEN), known, now=at(5)).baseline == "r1"


def test_the_postmortem_says_whether_the_baseline_was_proven() -> None:
    text = document(view_of(PROVEN, ASKED))
    assert PROVEN.line in text
    assert ASKED.line in text
    assert text.index(PROVEN.line) < text.index(ASKED.line)
    assert "proven" not in document(view_of()).partition("## Timeline")[0]


def test_the_checklist_says_what_the_baseline_must_have_shown_and_who_may_go_on_without() -> None:
    proven = {"requests": 10_000, "over": "1d", "checks": ["served-version"]}
    (line,) = [one for one in lines(changed({"release.proven": proven})) if "known good" in one]
    assert line == (
        "- Before anything is reverted: the last known good release, or a newer one, has served 10,000 "
        "requests in 1d without an incident, and these checks must pass for it: served-version. Else ask "
        f"nobody: hold. Which one is it? {BLANK}"
    )
    assert not [one for one in lines() if "known good" in one]


def test_the_checklist_names_those_who_may_break_the_glass_for_a_baseline_that_is_not_proven() -> None:
    glass = {"roles": ["commander", "product"], "report": ["commander"]}
    (line,) = [
        one
        for one in lines(changed({"release.proven": {"requests": 10, "over": "1d"}, "break_glass": glass}))
        if "known good" in one
    ]
    assert "Else ask two people in two of commander, product, who break the glass. Which one" in line
