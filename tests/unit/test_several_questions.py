"""Several questions may wait at the same time: a vote is for the one whose code it names, and no other."""

from __future__ import annotations

from backout import case_acts
from backout.authority import Allowed, Refused, decide
from backout.case import Case
from backout.commands import voting
from backout.people import Act, Action
from tests.unit.views import BEN, CLEO, OPENING, PLAN, PLAYBOOK, act, approval, at, case_of

NOTICE = "sha256:" + "b" * 64
NEAR = "sha256:" + "b" * 20 + "c" * 44


def both() -> Case:
    """Return a case in which a plan and a notice wait."""
    notice = approval(
        what="Send to customers: sorry\nWe went back.",
        subject=NOTICE,
        quorum=1,
        roles=("product",),
        if_rejected="it is not sent",
    )
    return case_of(asks={"approve": approval(), "notice": notice})


def refused(vote: Act, case: Case) -> str:
    answer = decide(vote, case.brief(OPENING), PLAYBOOK.roles)
    assert isinstance(answer, Refused)
    return answer.reason


def test_a_vote_without_a_code_is_told_every_code() -> None:
    assert refused(act(Action.APPROVE), both()) == (
        "say by its code what you approve, once you have read it: approve aaaaaaaa for 'Revert r2: 50 %, "
        "10 %, 0 %'; approve bbbbbbbb for 'Send to customers: sorry'"
    )


def test_a_vote_on_what_is_not_there_is_told_what_is() -> None:
    assert refused(act(Action.APPROVE, CLEO, subject="cccccccc"), both()) == (
        "the plan has changed, or something else waits now: 'Revert r2: 50 %, 10 %, 0 %', code aaaaaaaa; "
        "'Send to customers: sorry', code bbbbbbbb; look again"
    )


def test_a_code_that_two_of_them_begin_with_is_told_apart_by_more_digits() -> None:
    case = both()
    case.asks["another"] = case.asks["notice"].model_copy(update={"subject": NEAR})
    reason = refused(act(Action.APPROVE, CLEO, subject="bbbbbbbb"), case)
    assert reason.startswith(
        "the code bbbbbbbb stands for more than one thing that waits; write more of it: "
    )
    assert (NOTICE in reason, NEAR in reason, PLAN in reason) == (True, True, False)
    longer = act(Action.APPROVE, CLEO, subject="b" * 20 + "c")
    assert decide(longer, case.brief(OPENING), PLAYBOOK.roles) == Allowed(right="product")


def test_who_may_approve_is_said_by_the_question_that_is_meant() -> None:
    case = both()
    assert refused(act(Action.APPROVE, BEN, subject="bbbbbbbb"), case).startswith(
        "only product may approve here"
    )
    ours = act(Action.APPROVE, BEN, subject="aaaaaaaa")
    assert decide(ours, case.brief(OPENING), PLAYBOOK.roles) == Allowed(right="commander")


def test_a_vote_touches_no_other_question() -> None:
    case = both()
    take = act(Action.APPROVE, CLEO, subject="bbbbbbbb")
    assert (
        case_acts.take_act(case, take, right="product", now=at(1), step="revert").text
        == "approval 1 of 1: authorised"
    )
    assert (case.authorised, case.asks) == ((NOTICE,), {"approve": approval()})


def test_a_rejection_ends_its_own_vote_and_says_what_that_means() -> None:
    case = both()
    take = act(Action.REJECT, CLEO, subject="bbbbbbbb", reason="wrong tone")
    assert (
        case_acts.take_act(case, take, right="product", now=at(1), step="revert").text
        == "rejected; it is not sent"
    )
    assert case.rejections == {NOTICE: "rejected by Cleo: wrong tone"}
    assert case.asks == {"approve": approval()}
    assert case.timeline[-1].model_dump()["subject"] == NOTICE


def test_a_vote_says_how_it_stands_and_what_it_takes() -> None:
    ask = approval(required=("product",), approved_by=("ben",), broken_by=("ann",))
    assert voting(ask) == (
        ". 1 of 2 approved. Among them must be product, each another person. 1 broke the glass for it; it "
        "takes two roles."
    )


def test_a_vote_does_not_run_into_its_question() -> None:
    asked = approval().model_copy(update={"what": "Ready?"})
    assert f"{asked.what}{voting(asked)}" == "Ready? 0 of 2 approved."
    asked = asked.model_copy(update={"what": "within 4s"})
    assert f"{asked.what}{voting(asked)}" == "within 4s. 0 of 2 approved."
