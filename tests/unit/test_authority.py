"""May this person do this now? The right, the moment, the reason and the subject; each refusal says why."""

from __future__ import annotations

from typing import Any

import pytest

from backout.authority import Allowed, Refused, approvers, decide, human_rule, may
from backout.case import Case
from backout.people import NEEDS_REASON, NEEDS_SUBJECT, Act, Action, Actor, Role
from backout.rules import Weight
from backout.view import Ask, IncidentOutcome, Phase, Question
from tests.unit.linted import changed
from tests.unit.views import ANN, BEN, CLEO, PLAN, PLAYBOOK, act, approval, briefing, case_of

ROLES = PLAYBOOK.roles
TICKING = {"tick": Ask(what="Checklist", actions=(Action.TICK,), subject="s", items=("a", "b"), ticked=(2,))}
NOBODY = Actor(person="zoe", name="Zoe", roles=(), via="cli")


def answer(act: Act, **state: object) -> Allowed | Refused:
    return decide(act, briefing(**state), ROLES)


def test_a_right_comes_from_a_role_that_the_person_has() -> None:
    assert may(BEN, Action.APPROVE, ROLES) == Allowed(right="commander")
    assert may(CLEO, Action.APPROVE, ROLES) == Allowed(right="product")


def test_who_has_no_such_right_is_told_who_has_and_what_they_are() -> None:
    assert may(ANN, Action.APPROVE, ROLES) == Refused(
        reason="only commander or product may approve here; the roles of Ann are: on_call"
    )
    assert may(NOBODY, Action.TICK, ROLES) == Refused(
        reason="only on_call may tick here; the roles of Zoe are: none"
    )


def test_a_right_that_no_role_has_is_nobodys() -> None:
    assert may(BEN, Action.APPROVE, {}) == Refused(
        reason="only nobody in this playbook may approve here; the roles of Ben are: commander"
    )


def test_only_the_roles_that_are_asked_count_for_a_vote() -> None:
    assert answer(act(Action.APPROVE, CLEO), asks={"approve": approval(roles=("commander",))}) == Refused(
        reason="only commander may approve here; the roles of Cleo are: product"
    )


REFUSED: dict[str, tuple[Act, dict[str, Any], str]] = {
    "anything after the end": (
        act(Action.NOTE, reason="x"),
        {"outcome": IncidentOutcome.RECOVERED},
        "the incident is over",
    ),
    "a second owner": (
        act(Action.ACKNOWLEDGE),
        {"acknowledged_by": "Ann"},
        "Ann has acknowledged already",
    ),
    "a second hold": (act(Action.HOLD), {"held": "Ann: wait"}, "the incident is held already: Ann: wait"),
    "resume of what goes on": (act(Action.RESUME), {}, "not held, so there is nothing to resume"),
    "retry of what goes on": (act(Action.RETRY), {}, "not held, so there is nothing to retry"),
    "close of what goes on": (act(Action.CLOSE, reason="x"), {}, "nothing to close; hold it first"),
    "skip of the postmortem": (
        act(Action.SKIP, reason="x"),
        {"phase": Phase.POSTMORTEM},
        "it cannot be left out",
    ),
    "abort of the postmortem": (
        act(Action.ABORT, reason="x"),
        {"phase": Phase.POSTMORTEM},
        "it cannot be left out",
    ),
    "a vote on nothing": (act(Action.APPROVE), {}, "nothing waits for anybody to approve it now"),
    "a rejection of nothing": (act(Action.REJECT, reason="x"), {}, "nothing waits for anybody to reject it"),
    "a tick of nothing": (act(Action.TICK, ANN, item=1), {}, "nothing waits for anybody to tick it now"),
    "a vote on another plan": (
        act(Action.APPROVE, subject="sha256:" + "b" * 64),
        {"asks": {"approve": approval()}},
        "the plan has changed, or something else waits now: 'Revert r2: 50 %, 10 %, 0 %', code aaaaaaaa",
    ),
    "a late rejection of another plan": (
        act(Action.REJECT, subject="bbbbbbbb", reason="x"),
        {"asks": {"approve": approval(what="Send to customers: sorry\nWe went back.")}},
        "something else waits now: 'Send to customers: sorry', code aaaaaaaa; look again",
    ),
    "a code that is too short": (
        act(Action.APPROVE, subject="aaaaa"),
        {"asks": {"approve": approval()}},
        "something else waits now",
    ),
    "a digest with more behind it": (
        act(Action.APPROVE, subject=f"{PLAN}a"),
        {"asks": {"approve": approval()}},
        "something else waits now",
    ),
    "a vote that does not say on what": (
        act(Action.APPROVE),
        {"asks": {"approve": approval(what="Send to customers: sorry\nWe went back.")}},
        "once you have read it: approve aaaaaaaa for 'Send to customers: sorry'",
    ),
    "a rejection that does not say of what": (
        act(Action.REJECT, reason="x", subject=""),
        {"asks": {"approve": approval()}},
        "reject aaaaaaaa for 'Revert r2: 50 %, 10 %, 0 %'",
    ),
    "a second vote": (
        act(Action.APPROVE, subject=PLAN),
        {"asks": {"approve": approval(approved_by=("ben",))}},
        "Ben has approved this already; it needs distinct people",
    ),
    "a tick without its number": (act(Action.TICK, ANN), {"asks": TICKING}, "by its number, 1 to 2"),
    "a tick before the first": (act(Action.TICK, ANN, item=0), {"asks": TICKING}, "by its number, 1 to 2"),
    "a tick after the last": (act(Action.TICK, ANN, item=3), {"asks": TICKING}, "by its number, 1 to 2"),
    "a second tick": (act(Action.TICK, ANN, item=2), {"asks": TICKING}, "item 2 is ticked already"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    tried, state, why = REFUSED[case]
    refusal = answer(tried, **state)
    assert isinstance(refusal, Refused)
    assert why in refusal.reason


@pytest.mark.parametrize("action", sorted(NEEDS_REASON))
@pytest.mark.parametrize("reason", ["", "  \n"], ids=["without", "blank"])
def test_what_needs_a_reason_is_refused_without_one(action: Action, reason: str) -> None:
    brief = briefing(held="x", asks={"approve": approval(actions=tuple(NEEDS_SUBJECT))}, recovered=True)
    roles = {"commander": Role(may=tuple(Action))}
    bare = act(action, reason=reason, severity="critical")
    assert decide(bare, brief, roles) == Refused(reason=f"{action} needs a reason")
    told = act(action, reason="because", subject=PLAN, severity="critical")
    assert isinstance(decide(told, brief, roles), Allowed)


@pytest.mark.parametrize(
    "subject", [PLAN, PLAN.upper(), "a" * 64, "aaaaaaaa", "aaaaaa", "AAAAAA", "sha256:aaaaaa"]
)
def test_a_vote_is_on_the_plan_whose_digest_begins_with_its_code(subject: str) -> None:
    asks = {"approve": approval(approved_by=("cleo",))}
    assert answer(act(Action.APPROVE, subject=subject), asks=asks) == Allowed(right="commander")


def test_the_code_of_what_waits_is_what_the_engine_takes_for_it() -> None:
    (ask,) = briefing(asks={"approve": approval()}).asks
    assert ask.code == "aaaaaaaa"
    assert answer(act(Action.APPROVE, subject=ask.code), asks={"approve": ask}) == Allowed(right="commander")
    assert not TICKING["tick"].code


def test_who_has_approved_may_still_reject() -> None:
    asks = {"approve": approval(approved_by=("cleo",))}
    rejection = act(Action.REJECT, CLEO, reason="wrong digest", subject=PLAN)
    assert isinstance(answer(rejection, asks=asks), Allowed)


def test_a_tick_of_an_open_item_is_allowed() -> None:
    assert answer(act(Action.TICK, ANN, item=1), asks=TICKING) == Allowed(right="on_call")


def test_the_postmortem_can_be_left_out_by_a_person_only_where_it_is_held() -> None:
    assert isinstance(answer(act(Action.SKIP, reason="x"), phase=Phase.HELD, held="x"), Allowed)


def test_asking_changes_nothing() -> None:
    case: Case = case_of(asks={"approve": approval()})
    before = case.model_copy(deep=True)
    decide(act(Action.APPROVE, subject=PLAN), briefing(asks=case.asks), ROLES)
    assert case == before


def test_the_approvers_are_those_that_the_rule_names_or_all_with_the_right() -> None:
    critical, _, bias = PLAYBOOK.rules
    assert approvers(bias, PLAYBOOK) == ("commander", "product")
    assert approvers(critical, PLAYBOOK) == ("commander", "product")
    assert approvers(bias.model_copy(update={"approve_by": ("product",)}), PLAYBOOK) == ("product",)


def test_a_revert_that_no_rule_backs_takes_approvals_by_the_largest_quorum() -> None:
    rule = human_rule(PLAYBOOK)
    assert (rule.id, rule.authority, rule.quorum) == ("human-decision", "approve", 2)
    only_auto = changed({"rules": [{"id": "a", "when": {"any_of": ["error-limit"]}, "authority": "auto"}]})
    assert (human_rule(only_auto).authority, human_rule(only_auto).quorum) == ("approve", 1)


ASKED = Question(
    judgment="safety_view",
    ask="Is it new?",
    roles=("product",),
    answers={"fine": Weight.CARRY_ON, "stop": Weight.REVERT},
)
JUDGES = {name: Role(may=(Action.JUDGE,)) for name in ("commander", "product")}
JUDGED: dict[str, tuple[dict[str, str], tuple[Question, ...], str]] = {
    "another question": (
        {"judgment": "other", "answer": "stop"},
        (ASKED,),
        "there is no judgment 'other'; those that weigh now are: safety_view",
    ),
    "another answer": (
        {"judgment": "safety_view", "answer": "maybe"},
        (ASKED,),
        "'maybe' is no answer to safety_view; say one of: fine, stop",
    ),
    "when nothing is watched": (
        {"judgment": "safety_view", "answer": "stop"},
        (),
        "no judgment weighs in anything now: the signals are not being watched",
    ),
}


@pytest.mark.parametrize("case", JUDGED)
def test_a_judgment_is_refused(case: str) -> None:
    said, questions, why = JUDGED[case]
    brief = briefing().model_copy(update={"questions": questions})
    assert decide(act(Action.JUDGE, CLEO, **said), brief, JUDGES) == Refused(reason=why)


def test_a_judgment_is_given_by_the_roles_that_it_names_among_those_with_the_right() -> None:
    brief = briefing().model_copy(update={"questions": (ASKED,)})
    said = {"judgment": "safety_view", "answer": "stop"}
    assert decide(act(Action.JUDGE, CLEO, **said), brief, JUDGES) == Allowed(right="product")
    assert decide(act(Action.JUDGE, BEN, **said), brief, JUDGES) == Refused(
        reason="only product may judge here; the roles of Ben are: commander"
    )
    nobody = decide(act(Action.JUDGE, CLEO, **said), brief, {"product": Role(may=())})
    assert isinstance(nobody, Refused)
