"""The page of an incident in Temporal's UI: where it stands, what it waits for, what comes next."""

from __future__ import annotations

import pytest

from backout.commands import VERBS, word_of
from backout.details import page
from backout.people import Action
from backout.rules import Weight
from backout.view import Ask, IncidentOutcome, Question
from tests.unit.views import approval, at, briefing, empty_view, full_view

FULL = """# chat r2

- **Phase:** held
- **Outcome:** open
- **Severity:** major
- **Held:** Ann: look first
- **Exposure:** 0 % on the candidate
- **Signals:** Signals judged: users recovered. error-limit is healthy
- **Owned by:** Ann
- **Alerts:** 3
- **Not sent:** Message to commander through incidents was not sent: channel_not_found
- **Postmortem:** postmortems/1.md

## Now
Step **detect**, until 2026-11-20 22:00:00 UTC

## Waits for people
- **commander or product** until 21:30:00 UTC: Revert r2: 50 %, 10 %, 0 % \
(`backout approve incident/chat/r2 aaaaaaaa`, `backout reject incident/chat/r2 aaaaaaaa`)
- **a person**: Checklist (`backout tick incident/chat/r2`)

## Next
1. escalate
2. revert
3. check
4. verify
5. notify
6. clean-up
7. postmortem"""


def test_the_page_of_an_incident_in_which_everything_happened() -> None:
    assert page(full_view()) == FULL


def test_the_page_of_one_that_has_just_begun_claims_nothing() -> None:
    text = page(empty_view())
    assert "- **Exposure:** not read yet" in text
    assert "- **Owned by:** nobody yet" in text
    for absent in ("Held", "Signals", "Postmortem:", "Waits for people", "until"):
        assert absent not in text


def test_the_page_of_one_that_is_over_has_no_next_step() -> None:
    text = page(briefing(outcome=IncidentOutcome.RECOVERED, position=7))
    assert "## Now" not in text
    assert "## Next" not in text


def test_what_people_wrote_cannot_pass_for_a_part_of_the_page() -> None:
    hostile = "Ann: <script>\n\n## Now\nStep **postmortem**"
    ask = Ask(what=hostile, actions=(Action.TICK,))
    text = page(briefing(held=hostile, step_until=at(20), asks={"tick": ask}))
    assert text.count("\n## Now") == 1
    assert "<script>" not in text


@pytest.mark.parametrize("action", list(Action))
def test_the_command_that_it_shows_is_one_that_exists(action: Action) -> None:
    assert VERBS[word_of(action)].does is action
    assert word_of(action) in page(briefing(asks={"x": approval(actions=(action,))}))


def test_the_questions_that_weigh_now_are_shown_with_their_answers() -> None:
    question = Question(
        judgment="safety_view",
        ask="Is it new?",
        roles=("product", "safety_lead"),
        answers={"fine": Weight.CARRY_ON, "stop": Weight.REVERT},
    )
    shown = page(briefing().model_copy(update={"questions": (question,)}))
    assert (
        "## Judgments\n- **product or safety_lead**: Is it new? (safety_view) "
        "(`backout judge incident/chat/r2 safety_view fine|stop`)"
    ) in shown
