"""The demo's story: how the incident's record is told, how long things took, and when it is really over."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from backout.alerts import Alert
from backout.evaluation import Evaluation, Factor, Outcome, Verdict
from backout.event import BaseEvent
from backout.people import Action, Actor
from backout.timeline import (
    ActionTaken,
    AlertReceived,
    Event,
    IncidentOpened,
    MessageSent,
    PeoplePaged,
    SignalsJudged,
    StepFinished,
    StepStarted,
)
from backout.timeline_exposure import CheckRun, ExposureSet, RequestsCounted
from backout.view import IncidentOutcome
from demo.proof import findings
from demo.story import Story
from demo.traffic import Seen
from demo.words import blast_radius, in_words, seen_in_words, times, told
from tests.unit.demo_world import NINE, a_view

ALERT = Alert(
    source="alertmanager", fingerprint="f", starts_at=NINE, status="firing", name="ChatErrorRateHigh"
)
BOB = Actor(person="bob", name="Bob", roles=("incident_commander",), via="slack")
LONG = "a sentence [much] longer than the sixty columns of this console, which stays one line of text"
WELL = Seen(replies=240, failed=1, on_candidate=0, prompted=0)


def judged(sense: str, outcome: Outcome, *factors: Factor) -> SignalsJudged:
    evaluation = Evaluation(outcome=outcome, factors=factors, reasons=("12 bad of 40 judged",))
    return SignalsJudged.model_validate({"at": NINE, "sense": sense, "evaluation": evaluation})


def factor(verdict: Verdict, *, bad: int = 3, of: int = 100) -> Factor:
    return Factor(criterion="error-limit", verdict=verdict, bad=bad, judged=of, limit=0.03, reason="long")


def exposure(after: int, *, changed: bool = True) -> ExposureSet:
    return ExposureSet(
        at=NINE, target="chat-exposure", stage=after, before=60, after=after, key="k", changed=changed
    )


def record(*events: Event) -> tuple[Event, ...]:
    """Number the events and put them ten seconds apart."""
    return tuple(
        event.model_copy(update={"seq": seq, "at": NINE + timedelta(seconds=10 * seq)})
        for seq, event in enumerate(events, 1)
    )


def plain() -> Console:
    return Console(file=io.StringIO(), force_terminal=False, width=60)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("event", "mark", "sentence"),
    [
        (StepStarted(at=NINE, kind="verify", owner="on_call", until=NINE), "", ""),
        (AlertReceived(at=NINE, alert=ALERT), "●", "Alert ChatErrorRateHigh from alertmanager is firing"),
        (judged("breach", Outcome.FIRED), "▲", "Signals judged: fired. 12 bad of 40 judged"),
        (
            PeoplePaged(at=NINE, level=1, roles=("on_call",), people=("Alice",), why="rule fired: 12 of 40"),
            "☎",
            "Paged Alice (on_call): rule fired",
        ),
        (CheckRun(at=NINE, check="c", passed=False, found="3"), "✗", "Integrity check c FAILED: 3"),
        (
            MessageSent(at=NINE, audience="customers", channel="page", text="We are sorry.\n\nMore."),
            "✓",
            "Message sent to customers through page: We are sorry. …",
        ),
        (
            judged("recovery", Outcome.CLEAR, factor(Verdict.HEALTHY, bad=0)),
            "✓",
            "Recovery is shown: error-limit 0.0%, below (3%)",
        ),
        (
            judged("recovery", Outcome.FIRED, factor(Verdict.BREACHED, bad=20)),
            "●",
            "Recovery is not shown yet: error-limit 20.0%, still above (3%)",
        ),
        (
            judged("recovery", Outcome.INCONCLUSIVE, factor(Verdict.BLIND, bad=0, of=0)),
            "●",
            "Recovery is not shown yet: error-limit has no data",
        ),
    ],
    ids=lambda value: value.event if isinstance(value, BaseEvent) and hasattr(value, "event") else "",
)
def test_an_event_is_told_in_one_line_with_its_numbers(event: Event, mark: str, sentence: str) -> None:
    assert told(event) == (mark, sentence)


def test_the_story_opens_each_chapter_once_and_tells_each_event_once() -> None:
    console = plain()
    story = Story(console)
    opened = IncidentOpened(at=NINE, playbook="p", version=1, digest="d")
    start = StepStarted(at=NINE, step="revert", kind="revert", owner="bob", until=NINE)
    first = record(opened, start, exposure(25))
    story.tell(first[:2])
    story.tell(first)
    story.tell(record(*first, start, exposure(0)))
    lines = [line.strip() for line in printed(console).splitlines() if line.strip()]
    assert [line[0] for line in lines if line[0].isdigit() and line[1] == " "] == ["1", "2"]
    assert "2  Traffic comes off the release, stage by stage" in lines
    assert [line.split("set from")[1] for line in lines if "set from" in line] == [
        " 60 % to 25 % and read back",
        " 60 % to 0 % and read back",
    ]


def test_where_nobody_watches_the_story_is_plain_unbroken_lines_without_a_living_one() -> None:
    console = plain()
    with Story(console) as story:
        story.say(LONG)
        story.look(exposure={"chat-exposure": 25}, seen=WELL)
    assert printed(console) == (f"  00:00 · {LONG}\n")


def test_on_a_terminal_a_line_lives_at_the_bottom_and_goes_away() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, _environ={})
    with Story(console) as story:
        story.look(
            exposure={"chat-exposure": 25}, seen=Seen(replies=200, failed=20, on_candidate=50, prompted=200)
        )
    text = printed(console)
    assert "25 % of answers" in text
    assert "(chat-exposure 25 %)" in text
    assert "10.0 %" in text
    assert text.rindex("\x1b[2K") > text.rindex("10.0 %")


def test_every_milestone_is_timed_from_the_moment_the_release_went_bad() -> None:
    acknowledged = ActionTaken(
        at=NINE, act="1", action=Action.ACKNOWLEDGE, actor=BOB, right="incident_commander"
    )
    timeline = record(
        judged("breach", Outcome.INCONCLUSIVE),
        judged("breach", Outcome.FIRED),
        acknowledged,
        exposure(60, changed=False),
        exposure(25),
        exposure(0),
        StepFinished(at=NINE, step="verify", result="recovered"),
    )
    taken = times(timeline, went_bad=NINE)
    assert {what: in_words(after) for what, after in taken.items()} == {
        "detected": "20.0 s",
        "acknowledged": "30.0 s",
        "first traffic off": "50.0 s",
        "all traffic off": "60.0 s",
        "recovery verified": "70.0 s",
    }


def test_the_blast_radius_is_what_was_served_between_the_first_count_and_the_last() -> None:
    counts = [RequestsCounted(at=NINE, served=served) for served in (957, None, 1424)]
    assert blast_radius(counts) == 467
    assert blast_radius(counts[:2]) is None


def test_a_milestone_that_was_not_reached_is_never() -> None:
    assert {in_words(after) for after in times((), went_bad=NINE).values()} == {"never"}


def test_no_answers_are_told_as_such_and_never_as_no_errors() -> None:
    nobody = Seen(replies=0, failed=0, on_candidate=0, prompted=0)
    assert seen_in_words(nobody) == "no answers at all"
    console = Console(file=io.StringIO(), force_terminal=True, width=100, _environ={})
    with Story(console) as story:
        story.look(exposure={"chat-exposure": 25}, seen=nobody)
    assert "chat-exposure 25 %, no answers at all" in printed(console)
    assert seen_in_words(Seen(200, 20, 50, 200)) == "25 % of answers from 2026.11, error rate 10.0 %"


@pytest.fixture
def postmortem(tmp_path: Path) -> str:
    document = tmp_path / "postmortem.md"
    document.write_text("# What happened")
    return str(document)


def test_it_is_over_when_service_users_incident_and_postmortem_all_say_so(postmortem: str) -> None:
    view = a_view(outcome=IncidentOutcome.RECOVERED, postmortem=postmortem)
    assert all(found.holds for found in findings(users=300, on_candidate=0, seen=WELL, view=view))


@pytest.mark.parametrize(
    ("asked", "seen", "outcome", "file", "problem"),
    [
        ((300, 1), WELL, IncidentOutcome.RECOVERED, "postmortem.md", "1 of 300 users get 2026.11"),
        ((0, 0), WELL, IncidentOutcome.RECOVERED, "postmortem.md", "0 of 0 users get 2026.11"),
        (
            (300, 0),
            Seen(240, 0, 1, 0),
            IncidentOutcome.RECOVERED,
            "postmortem.md",
            "1 of the users' last 240",
        ),
        ((300, 0), Seen(240, 0, 0, 2), IncidentOutcome.RECOVERED, "postmortem.md", "2 of these answers were"),
        ((300, 0), Seen(240, 12, 0, 0), IncidentOutcome.RECOVERED, "postmortem.md", "error rate 5.0 %"),
        ((300, 0), Seen(0, 0, 0, 0), IncidentOutcome.RECOVERED, "postmortem.md", "no answers to take a rate"),
        ((300, 0), WELL, IncidentOutcome.UNVERIFIED, "postmortem.md", "the incident ended: unverified"),
        ((300, 0), WELL, IncidentOutcome.RECOVERED, "missing.md", "the postmortem is not on disk"),
    ],
    ids=[
        "a user still gets the candidate",
        "nobody was asked",
        "a user was still answered by it",
        "its prompt is still used",
        "users still see errors",
        "there are no users left",
        "recovery was not shown",
        "nothing was written down",
    ],
)
def test_it_is_not_over_while(
    postmortem: str,
    asked: tuple[int, int],
    seen: Seen,
    outcome: IncidentOutcome,
    file: str,
    problem: str,
) -> None:
    view = a_view(outcome=outcome, postmortem=str(Path(postmortem).with_name(file)))
    found = findings(users=asked[0], on_candidate=asked[1], seen=seen, view=view)
    assert problem in " / ".join(finding.found for finding in found if not finding.holds)
