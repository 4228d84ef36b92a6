"""What users of a probe were answered, and what that proves: the bounds, and what is told of many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from backout.messages import Answered, Cookie
from backout.probes import LONGEST_ANSWER, Way
from backout.release_sets import Conversations
from backout.serving import (
    LAST_ROUNDS,
    MOST_RELEASES,
    AskServed,
    Heard,
    Progress,
    Session,
    Trail,
    heard,
    mark,
    pause,
    takes,
    trails,
)
from backout.serving_verdicts import MOST_TOLD, Finding, Verdict, first_of, judge
from backout.timeline_served import ServedChecked, SessionsBegun
from workflows import options

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
SESSION = Way(path="session", sessions=9)
PIN = Cookie(name="SRV", value="two")


def asking(*sessions: Session, conversations: Conversations | None = None) -> AskServed:
    return AskServed(
        probes=("web",),
        service="chat",
        candidate="r2",
        baseline="r1",
        lag_s=60,
        pause_s=5,
        conversations=conversations,
        sessions=sessions,
        key="incident/chat/r2@run",
    )


def began(number: int, release: str = "r2") -> Session:
    return Session(probe="web", number=number, release=release, began=NINE)


def told(
    trail: Trail, *releases: str, request: AskServed | None = None, final: bool = False, way: Way = SESSION
) -> Trail:
    for release in releases:
        at = NINE + timedelta(seconds=trail.asked + 1)
        one = Heard(said=Answered(release=release), at=at, final=final)
        trail = heard(trail, one, way, request or asking())
    return trail


def gone(trail: Trail, request: AskServed, *, final: bool = False) -> Trail:
    said = Answered(release="", ended=True)
    return heard(trail, Heard(said=said, at=NINE, final=final), SESSION, request)


def found(request: AskServed, *all_of_them: Trail, way: Way = SESSION) -> Finding:
    state = Progress(until=NINE, final=3, trails=all_of_them)
    return judge(request, {"web": way}, state).findings[0]


@pytest.mark.parametrize(
    ("lag_s", "pause_s", "whole_s"), [(1, 1, 4), (60, 2, 66), (300, 10, 330), (86400, 10, 86430)]
)
def test_the_pause_follows_the_lag_from_a_second_to_ten(lag_s: int, pause_s: int, whole_s: int) -> None:
    assert pause(timedelta(seconds=lag_s)) == timedelta(seconds=pause_s)
    assert takes(timedelta(seconds=lag_s), timedelta(seconds=pause_s)) == timedelta(seconds=whole_s)


def test_rounds_that_all_wait_for_the_slowest_answer_end_before_the_engine_ends_them() -> None:
    # The round in which the lag ends, and those after it.
    assert (LAST_ROUNDS + 1) * LONGEST_ANSWER < options.WATCH_GRACE


def test_a_user_has_the_same_mark_in_each_question_and_a_new_one_has_another_each_time() -> None:
    old, new = Trail(probe="web", number=1), Trail(probe="web", number=0)
    assert mark("k", old, nth=1) == mark("k", old, nth=2)
    assert mark("k", new, nth=1) != mark("k", new, nth=2)
    assert mark("k", old) != mark("another incident", old)
    assert mark("k", old) != mark("k", old.model_copy(update={"talks": 1}))


def test_a_session_probe_goes_on_with_its_own_sessions_and_one_who_is_new() -> None:
    request = asking(began(1), began(2), Session(probe="other", number=3, release="r2", began=NINE))
    asked = trails(request, {"web": SESSION})
    assert [(one.number, one.old) for one in asked] == [(1, True), (2, True), (0, False)]


def test_many_releases_are_told_as_others_but_never_the_two_that_matter() -> None:
    trail = told(Trail(probe="web", number=1), *(f"x{n}" for n in range(50)), "r2", "r1")
    names = [one.release for one in trail.seen]
    assert len(names) == MOST_RELEASES - 2 + 3
    assert names[-2:] == ["r2", "r1"]
    assert {one.release: one.times for one in trail.seen}["(others)"] == 50 - (MOST_RELEASES - 2)


def test_a_conversation_that_began_at_the_baseline_may_not_be_switched_either() -> None:
    request = asking(began(1, "r1"), conversations=Conversations.FINISH)
    (trail, _) = trails(request, {"web": SESSION})
    trail = told(told(trail, "r2", request=request), "r1", request=request, final=True)
    finding = found(request, trail)
    assert (finding.verdict, finding.why) == (
        Verdict.MIXED,
        "conversation s1 was answered by r1, then by r2",
    )


def test_a_switch_back_is_told_in_full() -> None:
    request = asking(began(1), conversations=Conversations.FINISH)
    trail = told(trails(request, {"web": SESSION})[0], "r1", "r2", "r1", request=request)
    assert "answered by r2, then by r1, then by r2, then by r1" in found(request, trail).why


def test_only_some_of_many_are_told_one_by_one() -> None:
    request = asking(*(began(number) for number in range(1, 10)), conversations=Conversations.FINISH)
    everybody = [
        told(told(one, "r2", request=request), "r2", request=request, final=True)
        for one in trails(request, {"web": SESSION})
        if one.old
    ]
    finding = found(request, *everybody)
    assert finding.why.count("session s") == MOST_TOLD
    assert finding.why.endswith("; and 4 more")
    assert finding.kept.endswith(" and 4 more")


def test_a_cache_that_says_nothing_of_itself_is_stale_all_the_same() -> None:
    way = Way(path="cache")
    trail = told(Trail(probe="web", number=1), "r2", final=True, way=way)
    finding = found(asking(), trail, way=way)
    assert finding.verdict is Verdict.STALE_CACHE
    assert "(nothing says how old the answer is)" in finding.why


def test_an_answer_that_a_cache_had_kept_is_stale_on_whichever_way() -> None:
    way = Way(path="replica")
    said = Heard(said=Answered(release="r2", stale="Age: 9"), at=NINE, final=True)
    finding = found(asking(), heard(Trail(probe="web", number=1), said, way, asking()), way=way)
    assert (finding.verdict, "(Age: 9)" in finding.why) == (Verdict.STALE_CACHE, True)


def test_after_a_conversation_that_was_ended_the_user_is_another_one_without_cookies() -> None:
    request = asking(began(1))
    trail = trails(request, {"web": SESSION})[0].model_copy(update={"cookies": (PIN,)})
    ended = gone(trail, request)
    assert mark("k", ended) != mark("k", trail)
    assert (ended.cookies, ended.asked) == ((), trail.asked + 1)
    assert told(ended, "r1", request=request).switched == ()


def test_a_user_has_the_cookies_of_the_last_answer_and_a_new_one_never_has_any() -> None:
    said = Heard(said=Answered(release="r2", cookies=(PIN,)), at=NINE, final=False)
    assert heard(Trail(probe="web", number=1), said, SESSION, asking()).cookies == (PIN,)
    assert heard(Trail(probe="web", number=0), said, SESSION, asking()).cookies == ()


def test_an_event_says_how_often_each_answered_and_when_the_candidate_did_last() -> None:
    trail = told(told(Trail(probe="web", number=1), "r2", "r1"), "r1", final=True)
    finding = found(asking(), trail, way=Way())
    event = ServedChecked(
        at=NINE,
        probe="web",
        path=finding.path,
        verdict=finding.verdict,
        candidate="r2",
        asked=finding.asked,
        seen=finding.seen,
    )
    assert event.line == (
        "Probe web is clean; 3 questions, answered by r2 once, r1 2 times (r2 last at 09:00:01 UTC)"
    )


BRIEF = Way(path="session", sessions=9, lasts=timedelta(minutes=1))


def asked_at(trail: Trail, release: str, *, minute: int, request: AskServed) -> Trail:
    one = Heard(said=Answered(release=release), at=NINE + timedelta(minutes=minute), final=False)
    return heard(trail, one, BRIEF, request)


@pytest.mark.parametrize("policy", [Conversations.FINISH, Conversations.RESTART])
@pytest.mark.parametrize("then", ["r1", "r2"])
def test_the_next_conversation_of_a_user_is_none_that_went_on(policy: Conversations, then: str) -> None:
    request = asking(began(1), conversations=policy)
    trail = trails(request, {"web": BRIEF})[0]
    for minute, release in ((2, "r2"), (4, then)):
        trail = asked_at(trail, release, minute=minute, request=request)
    finding = found(request, told(trail, "r1", request=request, final=True), way=BRIEF)
    assert (finding.verdict, finding.why, finding.kept) == (Verdict.CLEAN, "", "")


def test_a_conversation_that_began_again_at_the_candidate_is_none_that_was_to_be_ended() -> None:
    request = asking(began(1), conversations=Conversations.RESTART)
    trail = gone(trails(request, {"web": SESSION})[0], request)
    trail = told(trail, "r2", "r2", request=request)
    finding = found(request, told(trail, "r1", request=request, final=True))
    assert (finding.verdict, finding.why) == (Verdict.CLEAN, "")


def test_a_conversation_that_went_on_is_named_though_another_one_began_since() -> None:
    request = asking(began(1), conversations=Conversations.RESTART)
    trail = gone(told(trails(request, {"web": SESSION})[0], "r2", request=request), request)
    finding = found(request, told(told(trail, "r1", request=request), "r1", request=request, final=True))
    assert (finding.verdict, finding.why) == (
        Verdict.CONTINUED,
        "conversation s1 was to be ended, and r2 went on with it",
    )


def test_who_was_told_that_the_conversation_has_ended_has_had_an_answer() -> None:
    request = asking(began(1))
    silent = Heard(problem="no answer within 2 s", at=NINE, final=True)
    trail = heard(trails(request, {"web": SESSION})[0], silent, SESSION, request)
    assert found(request, trail).why == "session s1 was not answered: no answer within 2 s"
    finding = found(request, gone(trail, request, final=True))
    assert (finding.verdict, finding.why) == (
        Verdict.BLIND,
        "session s1 was not answered: its conversation has ended",
    )


def test_many_sessions_that_did_not_begin_are_counted_and_the_event_has_them_all() -> None:
    problems = tuple(f"web: no answer to u{number}" for number in range(9))
    begun = SessionsBegun(at=NINE, problems=problems)
    assert begun.line == (
        "Sessions that began before the revert: none; not begun: web: no answer to u0; "
        "web: no answer to u1; web: no answer to u2; web: no answer to u3; web: no answer to u4; and 4 more"
    )
    assert begun.problems == problems


def test_what_is_told_of_many_counts_each_once() -> None:
    assert first_of(["a", "a", "b"]) == ("a", "b")
    assert first_of(["a", *"abcdefg"]) == ("a", "b", "c", "d", "e", "and 2 more")
