"""What is at stake: evidence, who is hit, the next stage, and messages that did not get through."""

from __future__ import annotations

import pytest

from backout.case import Case
from backout.evaluation import Outcome, Verdict
from backout.stakes import MOST_REASONS, MOST_UNSENT, Stakes
from backout.steps import RevertStep
from backout.timeline import Event, MessageFailed, MessageSent, PeoplePaged
from backout.timeline_exposure import RequestsCounted, RevertStopped
from tests.unit.views import BEGUN, OPENING, PLAYBOOK, at, case_of, factor, judged, stage

REVERT = next(step for step in PLAYBOOK.steps if isinstance(step, RevertStep))
POSITION = PLAYBOOK.steps.index(REVERT)


def told(*events: Event, position: int = POSITION) -> Stakes:
    case: Case = case_of(*BEGUN, *events)
    case.position = position
    return case.brief(OPENING).stakes


def failed(audience: str) -> MessageFailed:
    return MessageFailed(at=at(3), audience=audience, channel="room", error="is_archived")


def paged(*roles: str) -> PeoplePaged:
    return PeoplePaged(at=at(4), level=1, roles=roles, people=("Ann",), why="w")


def test_it_says_what_fired_with_the_evidence_of_each_reason_up_to_a_bound() -> None:
    breached = factor(Verdict.BREACHED, 40, 900, evidence=1e6)
    said = judged(1, "breach", Outcome.FIRED, *[breached] * (MOST_REASONS + 2))
    stakes = told(said)
    assert stakes.said == "fired (rule critical)"
    assert stakes.reasons == (*["error-limit is breached"] * MOST_REASONS, "and 2 more")


def test_it_says_who_is_hit_as_soon_as_two_counts_show_it() -> None:
    once, twice = RequestsCounted(at=at(1), served=100.0), RequestsCounted(at=at(2), served=350.0)
    assert told(once).requests is None
    assert told(once, twice).requests == 250
    assert told().at_risk == PLAYBOOK.at_risk.users


def test_a_stage_soaks_for_as_long_as_the_playbook_says_and_the_next_one_follows() -> None:
    first, *_, last = REVERT.stages
    stakes = told(stage(2, 100, first))
    assert (stakes.soaks_until, stakes.next_stage) == (at(2) + REVERT.soak, REVERT.stages[1])
    assert told(stage(2, 100, last)).next_stage is None


@pytest.mark.parametrize("position", [0, POSITION])
def test_nothing_soaks_once_the_revert_stopped_or_another_step_runs(position: int) -> None:
    ends = [RevertStopped(at=at(3), exposure=50, why="held")] if position else []
    stakes = told(stage(2, 100, 50), *ends, position=position)
    assert (stakes.soaks_until, stakes.next_stage) == (None, None)


def test_a_message_that_failed_is_told_until_a_later_one_reaches_the_same_people() -> None:
    sent = MessageSent(at=at(5), audience="customers", channel="page", text="t")
    assert len(told(failed("on_call"), failed("customers")).unsent) == 2
    assert told(failed("on_call"), failed("customers"), sent).unsent == (failed("on_call").line,)
    assert told(failed("on_call"), paged("on_call")).unsent == ()
    assert told(paged("on_call"), failed("on_call")).unsent == (failed("on_call").line,)


def test_of_many_messages_that_failed_the_newest_are_told() -> None:
    unsent = told(*(failed(f"role-{number}") for number in range(9))).unsent
    assert unsent == tuple(failed(f"role-{number}").line for number in range(9 - MOST_UNSENT, 9))


def test_a_briefing_knows_how_many_events_were_seen_and_the_baseline() -> None:
    brief = case_of(*BEGUN).brief(OPENING.model_copy(update={"baseline": "r1"}))
    assert (brief.seen, brief.stakes.baseline) == (len(BEGUN), "r1")
