"""The new rights: severity, override, broken glass; who shipped the release; what waits for consent."""

from __future__ import annotations

from typing import Any

import pytest

from backout import case_acts, consents
from backout.authority import Allowed, Refused, decide, rights
from backout.case import Case
from backout.people import NEEDS_SUBJECT, Act, Action, Actor, unnamed
from backout.severity import Severity
from backout.timeline import ActionTaken
from backout.votes import lacking
from tests.unit.linted import changed
from tests.unit.views import ANN, BEN, CLEO, OPENING, PLAN, act, approval, at, case_of

PLAYBOOK = changed(
    {
        "roles.commander.may": ["approve", "reject", "close", "resume", "severity", "override", "abort"],
        "break_glass": {"roles": ["on_call", "product"], "report": ["commander"]},
    }
)
ROLES = rights(PLAYBOOK)
EVERY_WAY = approval(actions=tuple(NEEDS_SUBJECT), glass=("on_call", "product"))
DAN = Actor(person="dan", name="Dan", roles=("on_call", "product"), via="cli")


def answer(tried: Act, **state: object) -> Allowed | Refused:
    shipped = str(state.pop("shipped_by", ""))
    brief = case_of(**state).brief(OPENING.model_copy(update={"shipped_by": shipped}))
    return decide(tried, brief, ROLES)


def why(tried: Act, **state: object) -> str:
    found = answer(tried, **state)
    assert isinstance(found, Refused), found
    return found.reason


def take(case: Case, action: Action, actor: Actor, **fields: object) -> str:
    tried = act(action, actor, **{"subject": PLAN, "reason": "because", **fields})
    return case_acts.take_act(case, tried, right=actor.roles[0], now=at(1), step="revert").text


WAITING: dict[str, Any] = {"asks": {"approve": EVERY_WAY}}
VOTE = {"subject": PLAN, "reason": "because"}


@pytest.mark.parametrize("name", ["ben", "Ben", " BEN ", "ben-login", "Ben@Example.org"])
@pytest.mark.parametrize("action", [Action.APPROVE, Action.OVERRIDE])
def test_who_shipped_the_release_is_known_by_every_name(name: str, action: Action) -> None:
    ben = BEN.model_copy(update={"known_as": ("ben-login", "ben@example.org")})
    assert why(act(action, ben, **VOTE), **WAITING, shipped_by=name) == (
        f"Ben shipped this release, so somebody else must {action} it"
    )


@pytest.mark.parametrize("name", ["", " ", "cleo", "be", "ben@example.com"])
def test_nobody_else_is_taken_for_them(name: str) -> None:
    ben = BEN.model_copy(update={"known_as": ("", "ben@example.org")})
    assert answer(act(Action.APPROVE, ben, **VOTE), **WAITING, shipped_by=name) == Allowed(right="commander")


def test_who_shipped_it_breaks_no_glass_and_may_reject() -> None:
    tried = act(Action.BREAK_GLASS, CLEO, **VOTE)
    assert why(tried, **WAITING, shipped_by="cleo") == (
        "Cleo shipped this release, so somebody else must break the glass for it"
    )
    assert isinstance(answer(act(Action.REJECT, BEN, **VOTE), **WAITING, shipped_by="ben"), Allowed)


def test_no_timeline_has_what_only_the_doors_know() -> None:
    ben = BEN.model_copy(update={"known_as": ("ben@example.org",)})
    case = case_of(asks={"approve": EVERY_WAY})
    take(case, Action.APPROVE, ben)
    (event,) = case.timeline
    assert isinstance(event, ActionTaken)
    assert event.actor == unnamed(ben) == BEN


def test_a_deputy_is_named_as_one() -> None:
    deputy = ANN.model_copy(update={"deputy_of": ("Ben",), "roles": ("on_call", "commander")})
    case = case_of(asks={"approve": EVERY_WAY})
    case_acts.take_act(case, act(Action.APPROVE, deputy, **VOTE), right="commander", now=at(1), step="revert")
    assert case.timeline[0].line.startswith("Ann (commander, deputy of Ben, via slack): approve")


def test_a_deputy_and_whom_they_stand_for_are_two_people_and_each_counts_once() -> None:
    deputy = ANN.model_copy(update={"deputy_of": ("Ben",), "roles": ("on_call", "commander")})
    case = case_of(asks={"approve": EVERY_WAY})
    assert take(case, Action.APPROVE, deputy) == "approval 1 of 2"
    again = decide(act(Action.APPROVE, deputy, **VOTE), case.brief(OPENING), ROLES)
    assert again == Refused(reason="Ann has approved this already; it needs distinct people")
    assert take(case, Action.APPROVE, BEN) == "approval 2 of 2: authorised"


def test_the_right_to_break_the_glass_is_where_the_playbook_says_so() -> None:
    listed = changed({"roles.product.may": ["break_glass", "approve"]})
    assert Action.BREAK_GLASS not in rights(listed)["product"].may
    assert [name for name, role in ROLES.items() if Action.BREAK_GLASS in role.may] == ["on_call", "product"]


@pytest.mark.parametrize("action", [Action.OVERRIDE, Action.BREAK_GLASS])
def test_where_nothing_waits_there_is_nothing_to_go_past(action: Action) -> None:
    actor = BEN if action is Action.OVERRIDE else ANN
    assert why(act(action, actor, **VOTE)).startswith("nothing waits for anybody to ")


def test_two_people_of_one_role_do_not_break_the_glass_nor_one_of_two() -> None:
    second = ANN.model_copy(update={"person": "amy", "name": "Amy"})
    case = case_of(asks={"approve": EVERY_WAY})
    one = "first of two who break the glass; it takes somebody of another role"
    assert take(case, Action.BREAK_GLASS, ANN) == one
    assert take(case, Action.BREAK_GLASS, second) == one
    assert PLAN not in case.authorised
    assert take(case, Action.BREAK_GLASS, DAN) == "glass broken: authorised, and reported"
    assert PLAN in case.authorised
    assert not case.asks


def test_approvals_are_no_hands_on_the_glass() -> None:
    case = case_of(asks={"approve": EVERY_WAY})
    take(case, Action.APPROVE, CLEO)
    assert "another role" in take(case, Action.BREAK_GLASS, ANN)
    assert case.authorised == ()


def test_a_changed_plan_needs_new_votes() -> None:
    case = case_of(asks={"approve": EVERY_WAY})
    take(case, Action.APPROVE, BEN)
    take(case, Action.BREAK_GLASS, ANN)
    other = f"sha256:{'c' * 64}"
    case.asks["approve"] = EVERY_WAY.model_copy(update={"subject": other})
    brief = case.brief(OPENING)
    late = decide(act(Action.APPROVE, CLEO, subject=PLAN[:15]), brief, ROLES)
    assert isinstance(late, Refused)
    assert late.reason.startswith("the plan has changed")
    assert take(case, Action.APPROVE, CLEO, subject=other) == "approval 1 of 2"
    assert case.authorised == ()


def test_a_severity_is_named_and_another_than_now() -> None:
    assert why(act(Action.SEVERITY, reason="x")) == "say how bad it is: critical, major, minor"
    assert why(act(Action.SEVERITY, reason="x", severity="major")) == "the severity is major already"
    case = case_of()
    assert take(case, Action.SEVERITY, BEN, severity="critical") == "it is critical now"
    assert case.brief(OPENING).summary.severity is Severity.CRITICAL
    assert take(case, Action.SEVERITY, BEN, severity="minor") == "it is minor now, no more critical"
    case.start_over()
    assert case.severity is Severity.MINOR


def asked_for(actor: Actor, *roles: str, action: Action = Action.CLOSE, shipped_by: str = "") -> Any:  # noqa: ANN401  # an ask or none
    tried = act(action, actor, reason="fixed")
    return consents.question(tried, roles, until=at(30), shipped_by=shipped_by)


def test_each_role_consents_by_another_person() -> None:
    ask = asked_for(BEN, "product", "on_call")
    assert lacking(ask) == "2 more"
    case = case_of(held="x")
    case_acts.ask_consent(
        case, act(Action.CLOSE, BEN, reason="fixed"), ask, right="commander", now=at(1), step="revert"
    )
    take(case, Action.APPROVE, DAN, subject=ask.subject)
    assert (case.directive, list(case.pending)) == (None, [ask.subject])
    take(case, Action.APPROVE, CLEO, subject=ask.subject)
    assert (case.directive, case.pending, case.asks) == ("close", {}, {})


def test_the_actor_consents_in_their_own_role_unless_they_shipped_the_release() -> None:
    assert asked_for(CLEO, "product") is None
    assert asked_for(CLEO, "product", "on_call").approved_by == ("cleo",)
    assert asked_for(CLEO, "product", shipped_by="Cleo").approved_by == ()


def test_a_consent_is_bound_to_who_wants_what_and_why() -> None:
    subjects = {
        asked_for(BEN, "product").subject,
        asked_for(ANN, "product").subject,
        asked_for(BEN, "product", action=Action.ABORT).subject,
        consents.question(
            act(Action.CLOSE, BEN, reason="other"), ("product",), until=at(30), shipped_by=""
        ).subject,  # type: ignore[union-attr]  # somebody must be asked
    }
    assert len(subjects) == 4


def test_a_consent_that_comes_when_the_moment_is_over_carries_out_nothing() -> None:
    ask = asked_for(BEN, "commander", "product")
    brief = {"asks": {"consent/close": ask}}
    late = why(act(Action.APPROVE, CLEO, subject=ask.subject), **brief)
    assert late.startswith("the incident is not held, so there is nothing to close")
    on_time = answer(act(Action.APPROVE, CLEO, subject=ask.subject), **brief, held="Ann: wait")
    assert on_time == Allowed(right="product")


def test_what_lapsed_is_not_carried_out() -> None:
    ask = asked_for(BEN, "product")
    case = case_of(held="x")
    case_acts.ask_consent(
        case, act(Action.CLOSE, BEN, reason="fixed"), ask, right="commander", now=at(1), step="s"
    )
    case_acts.lapse(case, (Action.SKIP,), "no", now=at(2), step="s")
    assert list(case.pending) == [ask.subject]
    case_acts.lapse(case, (Action.CLOSE,), "the step is over", now=at(2), step="s")
    assert (case.pending, case.asks) == ({}, {})
    assert case.timeline[-1].line == "close was not carried out: the step is over"


def test_what_waits_for_consent_is_not_asked_for_again() -> None:
    ask = asked_for(BEN, "product")
    state: dict[str, Any] = {"held": "Ann: wait", "asks": {"consent/close": ask}}
    assert why(act(Action.CLOSE, BEN, reason="again"), **state) == (
        f"close waits for 1 more already: 'Ben wants to close: fixed', code {ask.code}"
    )


def test_what_is_rejected_waits_no_more() -> None:
    ask = asked_for(BEN, "product")
    case = case_of(held="x")
    case_acts.ask_consent(
        case, act(Action.CLOSE, BEN, reason="fixed"), ask, right="commander", now=at(1), step="s"
    )
    assert take(case, Action.REJECT, CLEO, subject=ask.subject) == "rejected; close is not carried out"
    assert (case.pending, case.asks, case.directive) == ({}, {}, None)


def test_who_has_two_required_roles_fills_one_of_them() -> None:
    ask = approval(quorum=1, roles=("on_call", "product"), required=("on_call", "product"))
    case = case_of(asks={"approve": ask})
    told = (
        "approval 1 of 1; it takes somebody who is on_call and somebody who is product, each another person"
    )
    assert take(case, Action.APPROVE, DAN) == told
    assert take(case, Action.APPROVE, ANN) == "approval 2 of 1: authorised"
