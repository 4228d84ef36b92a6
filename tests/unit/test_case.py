"""What an incident remembers: alerts, acts, votes and ticks, and what it shows of them."""

from __future__ import annotations

from typing import Any

import pytest

from backout import case_acts
from backout.case import MOST_ALERTS_TOLD, MOST_FIRING, Case, Directive, OpenIncident
from backout.people import NEEDS_SUBJECT, Action, Actor
from backout.timeline import ActionTaken, AlertReceived, IncidentEnded
from backout.view import Ask, IncidentOutcome, Phase
from tests.unit.views import ANN, BEN, CLEO, OPENING, PLAN, act, alert, approval, at, case_of, full_view

CHECKLIST = Ask(what="Checklist", actions=(Action.TICK,), subject="clean-up", items=("empty it", "tell them"))


def take(case: Case, action: Action, actor: Actor = BEN, minute: float = 1, **fields: object) -> str:
    """Let a person act; return the answer."""
    if action in NEEDS_SUBJECT:
        fields.setdefault("subject", PLAN)
    taken = act(action, actor, **fields)
    return case_acts.take_act(case, taken, right=actor.roles[0], now=at(minute), step="detect").text


def test_events_are_numbered_dated_and_placed() -> None:
    case = case_of()
    case.add(IncidentEnded(at=at(0), outcome="x"), now=at(2), step="detect")
    case.add(IncidentEnded(at=at(0), outcome="x", step="revert"), now=at(3), step="verify")
    assert [(event.seq, event.at, event.step) for event in case.timeline] == [
        (1, at(2), "detect"),
        (2, at(3), "revert"),
    ]


def test_a_storm_counts_every_alert_and_writes_each_state_of_an_episode_once() -> None:
    case = case_of()
    for status in ("firing", "firing", "resolved", "resolved", "firing"):
        case.take_alert(alert(status=status), now=at(1))
    case.take_alert(alert(began=3), now=at(3))
    written = [event.alert for event in case.timeline if isinstance(event, AlertReceived)]
    assert case.alerts == 6
    assert [one.status for one in written] == ["firing", "resolved", "firing", "firing"]


def test_repeats_leave_room_on_the_timeline_for_other_alerts_and_a_storm_has_a_bound() -> None:
    case = case_of()
    for _ in range(MOST_ALERTS_TOLD):
        case.take_alert(alert(), now=at(1))
    for number in range(MOST_FIRING + 10):
        case.take_alert(alert(fingerprint=f"n{number}", labels={"pod": "x"}), now=at(2))
    written = [event for event in case.timeline if isinstance(event, AlertReceived)]
    assert written[1].alert.fingerprint == "n0"
    assert (len(written), len(case.firing)) == (MOST_ALERTS_TOLD, MOST_FIRING)
    assert not any(one.labels for one in case.firing.values())


def test_what_is_repeated_is_no_new_episode_even_in_a_storm() -> None:
    case = case_of()
    for _ in range(2):
        for number in range(MOST_FIRING + 10):
            case.take_alert(alert(fingerprint=f"n{number}"), now=at(2))
    assert case.episodes == MOST_FIRING


def test_the_end_of_an_alert_that_was_never_seen_is_counted_and_no_more() -> None:
    case = case_of()
    case.take_alert(alert(status="resolved"), now=at(1))
    assert (case.alerts, case.episodes, case.firing, case.timeline) == (1, 0, {}, [])


ALERTS_AT_THE_END = {
    "a repeat": ([alert()], False),
    "a new one": ([alert(began=3)], True),
    "a new one that has ended": ([alert(began=3), alert(began=3, status="resolved")], True),
    "a new one after which all have ended": (
        [alert(began=3), alert(began=3, status="resolved"), alert(status="resolved")],
        False,
    ),
}


@pytest.mark.parametrize("which", ALERTS_AT_THE_END)
def test_an_alert_that_begins_once_the_end_is_settled_overtakes_it(which: str) -> None:
    alerts, overtaken = ALERTS_AT_THE_END[which]
    case = case_of()
    case.take_alert(alert(), now=at(1))
    case.settle(IncidentOutcome.FALSE_ALARM)
    for one in alerts:
        case.take_alert(one, now=at(3))
    case.settle(IncidentOutcome.FALSE_ALARM)
    assert case.overtaken == overtaken


def test_to_start_over_keeps_the_record_and_forgets_what_was_found_authorised_and_owned() -> None:
    case = case_of(
        *full_view().timeline, authorised=(PLAN,), acknowledged_by="Ann", verified=True, exposure=0
    )
    case.reverted, case.sent, case.position, case.remaining = True, ("notify",), 7, ()
    case.ticks, case.rejections = {"clean-up": (1, 2)}, {PLAN: "rejected by Cleo: wrong"}
    case.answered, case.asks = ("critical",), {"consent/severity": approval()}
    case.settle(IncidentOutcome.ABORTED)
    timeline = list(case.timeline)
    case.start_over()
    assert case == case_of(*timeline, exposure=0)


def test_only_firing_alerts_are_shown_as_firing() -> None:
    case = case_of()
    case.take_alert(alert("A", fingerprint="f1"), now=at(1))
    case.take_alert(alert("B", fingerprint="f2"), now=at(1))
    case.take_alert(alert("A", fingerprint="f1", status="resolved"), now=at(2))
    assert [one.name for one in case.view(OPENING).firing] == ["B"]


def test_an_act_is_written_with_its_person_right_reason_and_subject() -> None:
    case = case_of(asks={"approve": approval()})
    answer = take(case, Action.REJECT, CLEO, 4, reason="wrong release")
    (event,) = case.timeline
    assert event == ActionTaken(
        seq=1,
        at=at(4),
        step="detect",
        act="cleo-reject",
        action=Action.REJECT,
        actor=CLEO,
        right="product",
        reason="wrong release",
        subject=PLAN,
    )
    assert case.receipts["cleo-reject"].text == answer


def test_acknowledging_names_the_owner_and_ends_the_question() -> None:
    case = case_of(asks={"acknowledge": Ask(what="?", actions=(Action.ACKNOWLEDGE,))})
    assert take(case, Action.ACKNOWLEDGE, ANN) == "Ann owns the incident now; paging stops"
    assert case.acknowledged_by == "Ann"
    assert case.asks == {}


def test_a_quorum_authorises_and_one_vote_less_does_not() -> None:
    case = case_of(asks={"approve": approval()})
    assert take(case, Action.APPROVE, BEN) == "approval 1 of 2"
    assert (case.authorised, case.asks["approve"].approved_by) == ((), ("ben",))
    assert take(case, Action.APPROVE, CLEO) == "approval 2 of 2: authorised"
    assert (case.authorised, case.asks) == ((PLAN,), {})


def test_a_rejection_ends_the_vote() -> None:
    case = case_of(asks={"approve": approval(approved_by=("ben",))})
    assert "held until a person decides" in take(case, Action.REJECT, CLEO, reason="wrong release")
    assert (case.rejections, case.asks) == ({PLAN: "rejected by Cleo: wrong release"}, {})
    assert case.authorised == ()


@pytest.mark.parametrize(("reason", "held"), [("wait", "Ann: wait"), ("", "Ann: no reason given")])
def test_a_hold_names_who_and_why_and_interrupts(reason: str, held: str) -> None:
    case = case_of()
    assert not case.interrupted
    take(case, Action.HOLD, ANN, reason=reason)
    assert case.held == held
    assert case.interrupted


@pytest.mark.parametrize("directive", list(Directive))
def test_a_directive_is_kept_for_the_engine_and_interrupts(directive: Directive) -> None:
    case = case_of()
    emergency = "all exposure is being taken off at once" if directive is Directive.EMERGENCY else ""
    assert take(case, Action(directive.value), reason="x") == (emergency or f"{directive}: taken")
    assert case.directive is directive
    assert case.interrupted


def test_a_hold_that_comes_before_the_engine_obeyed_takes_back_what_was_decided() -> None:
    case = case_of()
    take(case, Action.SKIP, BEN, reason="known cause")
    assert "nothing moves" in take(case, Action.HOLD, ANN, reason="wait")
    assert (case.directive, case.held) == (None, "Ann: wait")


def test_a_note_changes_nothing_but_the_timeline() -> None:
    case = case_of(held="x")
    before = case.model_dump(exclude={"timeline", "receipts", "notes"})
    assert take(case, Action.NOTE, reason="the index was rebuilt") == "noted on the timeline"
    assert case.model_dump(exclude={"timeline", "receipts", "notes"}) == before
    assert case.brief(OPENING).notes == 1
    assert case.timeline[0].line == "Ben (commander, via cli): note: the index was rebuilt"


def test_ticks_are_kept_beyond_the_question() -> None:
    case = case_of(asks={"tick": CHECKLIST})
    assert take(case, Action.TICK, ANN, item=2) == "item 2 done, 1 to go: tell them"
    assert take(case, Action.TICK, BEN, item=1) == "item 1 done, 0 to go: empty it"
    case.asks.clear()
    assert case.ticks == {"clean-up": (2, 1)}


PLACES: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "in the middle": (
        {"position": 5},
        "notify",
        ("clean-up", "postmortem"),
    ),
    "at the last step": ({"position": 7}, "postmortem", ()),
    "on the way out": ({"position": 2, "ending": IncidentOutcome.ABORTED}, "revert", ("postmortem",)),
    "over": ({"position": 7, "outcome": IncidentOutcome.RECOVERED}, "", ()),
    "over, after an abort": (
        {"position": 7, "outcome": IncidentOutcome.ABORTED, "ending": IncidentOutcome.ABORTED},
        "",
        (),
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_it_shows_the_step_and_what_is_still_to_come(place: str) -> None:
    state, step, next_steps = PLACES[place]
    brief = case_of(step_until=at(20), **state).brief(OPENING)
    assert (brief.step, brief.next_steps) == (step, next_steps)
    assert brief.step_until == (at(20) if step else None)


def test_it_shows_what_the_signals_said_last() -> None:
    brief = full_view()
    assert brief.fired == "Signals judged: users recovered. error-limit is healthy"


def test_its_summary_is_one_line_of_the_list() -> None:
    summary = case_of(phase=Phase.HELD, alerts=3, exposure=50, closed_at=at(9)).brief(OPENING).summary
    assert (summary.incident, summary.run, summary.service, summary.release) == (
        "incident/chat/r2",
        "run-1",
        "chat",
        "r2",
    )
    assert (summary.playbook, summary.severity, summary.phase) == ("complete", "major", Phase.HELD)
    assert (summary.alerts, summary.exposure, summary.opened_at, summary.closed_at) == (3, 50, at(0), at(9))


def test_its_view_has_the_whole_playbook_and_timeline() -> None:
    view = full_view()
    assert (view.playbook, view.digest) == (OPENING.playbook, OPENING.digest)
    assert [event.seq for event in view.timeline] == list(range(1, len(view.timeline) + 1))


def test_a_long_incident_is_carried_over_whole() -> None:
    case = case_of(*full_view().timeline, asks={"approve": approval()}, firing={"e": alert()}, held="x")
    take(case, Action.APPROVE, CLEO)
    opening = OPENING.model_copy(update={"carried": case})
    assert OpenIncident.model_validate_json(opening.model_dump_json()).carried == case


def test_a_name_that_is_new_is_kept_when_alerts_of_other_names_fill_the_case() -> None:
    case = Case(run="run", opened_at=at(0))
    for number in range(MOST_FIRING + 5):
        case.take_alert(alert(name="Noise", fingerprint=f"f{number}"), now=at(1))
    case.take_alert(alert(name="ProviderDown", fingerprint="other"), now=at(1))
    assert len(case.firing) == MOST_FIRING + 1
    assert "ProviderDown" in {kept.name for kept in case.firing.values()}
