"""The explanation of a right says what the incident would answer, and everything that bears on it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backout.acting import actor
from backout.authority import Allowed, Refused, decide, rights
from backout.authority_explained import Explanation, explain
from backout.case import Case
from backout.people import NEEDS_SUBJECT, Act, Action, Person
from backout.severity import Severity
from backout.site import Deputy
from tests.invariants.properties import quickly
from tests.unit.linted import SITE, changed
from tests.unit.views import OPENED, OPENING, PLAN, approval, at, case_of

PLAYBOOK = changed(
    {
        "roles.commander.may": [one.value for one in Action if one is not Action.BREAK_GLASS],
        "break_glass": {"roles": ["on_call", "product"], "report": ["commander"]},
        "consents": {"close": ["product"]},
    }
)
EVERY_WAY = approval(actions=tuple(NEEDS_SUBJECT), glass=("on_call", "product"))
NOTICE = approval(what="Send to customers: sorry", subject="sha256:" + "b" * 64, roles=("product",))
PEOPLE = {
    "ann": Person(name="Ann", roles=("on_call",)),
    "ben": Person(name="Ben", roles=("commander",)),
    "cleo": Person(name="Cleo", roles=("product",)),
    "eve": Person(name="Eve"),
}
STANDING = Deputy(person="eve", of="ben", start=OPENED, end=OPENED + timedelta(days=1))
WHERE = SITE.model_copy(update={"people": PEOPLE, "deputies": (STANDING,)})


def explained(
    person: str, action: Action, case: Case, *, code: str = "", shipped_by: str = ""
) -> Explanation:
    view = case.view(OPENING.model_copy(update={"playbook": PLAYBOOK, "shipped_by": shipped_by}))
    who = actor(WHERE, person, via="cli", at=at(1))
    return explain(view, who, action, site=WHERE, at=at(1), code=code)


def test_a_yes_names_the_right_and_what_it_would_come_to() -> None:
    found = explained("ben", Action.APPROVE, case_of(asks={"approve": EVERY_WAY}))
    assert (found.allowed, found.why, found.then) == (True, "by the right of commander", "approval 1 of 2")
    assert found.stands == "detect, open, step detect"
    assert [(one.role, one.people, one.counts_now) for one in found.holders] == [
        ("commander", ("Ben", "Eve, deputy of Ben"), True),
        ("product", ("Cleo",), True),
    ]
    assert found.ways == ()


def test_a_no_has_the_reason_of_the_incident_and_the_ways_past_it() -> None:
    case = case_of(asks={"approve": EVERY_WAY.model_copy(update={"approved_by": ("ben",)})})
    found = explained("ann", Action.APPROVE, case)
    assert (found.allowed, found.then) == (False, "")
    assert found.why == "only commander or product may approve here; the roles of Ann are: on_call"
    assert found.ways == (
        "override: commander (Ben, Eve, deputy of Ben)",
        "break-glass: two people in two of these roles (on_call: Ann; product: Cleo)",
    )
    (waiting,) = found.waiting
    assert (waiting.code, waiting.approved_by, waiting.lacks) == ("aaaaaaaa", ("Ben",), "1 more")


def test_a_deputy_has_the_right_while_they_stand_in() -> None:
    found = explained("eve", Action.APPROVE, case_of(asks={"approve": EVERY_WAY}))
    assert (found.allowed, found.who.deputy_of) == (True, ("Ben",))


def test_who_shipped_the_release_is_told_so() -> None:
    found = explained("ben", Action.OVERRIDE, case_of(asks={"approve": EVERY_WAY}), shipped_by="BEN")
    assert (found.allowed, found.is_shipper, found.shipped_by) == (False, True, "BEN")
    assert found.why == "Ben shipped this release, so somebody else must override it"


def test_what_would_wait_for_others_says_so() -> None:
    found = explained("ben", Action.CLOSE, case_of(held="x"))
    assert (found.allowed, found.then) == (True, "it takes effect only once product consented")
    assert explained("ben", Action.RESUME, case_of(held="x")).then == ""


def test_of_several_questions_the_code_says_which() -> None:
    case = case_of(asks={"approve": EVERY_WAY, "notice": NOTICE})
    assert explained("ben", Action.APPROVE, case).why.startswith("say by its code what you approve")
    assert explained("ben", Action.APPROVE, case, code="aaaaaaaa").allowed
    found = explained("ben", Action.APPROVE, case, code="bbbbbbbb")
    assert found.why.startswith("only product may approve here")
    assert [one.counts_now for one in found.holders] == [False, True]


def test_who_fills_a_role_by_slack_s_user_group_is_not_forgotten() -> None:
    door = {"signing_secret": {"env": "S"}, "token": {"env": "T"}, "groups": {"S01LEGAL": "product"}}
    gateway = {**WHERE.gateway.model_dump(exclude_none=True), "slack": door}
    where = type(WHERE).model_validate({**WHERE.model_dump(exclude_none=True), "gateway": gateway})
    view = case_of(asks={"approve": EVERY_WAY}).view(OPENING.model_copy(update={"playbook": PLAYBOOK}))
    found = explain(view, actor(where, "ann", via="cli", at=at(1)), Action.REJECT, site=where, at=at(1))
    assert found.holders[-1].people == ("Cleo", "Slack's user group S01LEGAL")


@pytest.mark.parametrize("action", list(Action))
@given(
    person=st.sampled_from(sorted(PEOPLE)),
    held=st.sampled_from(["", "Ann: wait"]),
    asks=st.sampled_from([(), (EVERY_WAY,), (EVERY_WAY, NOTICE)]),
    shipped_by=st.sampled_from(["", "ben"]),
)
@quickly
def test_it_says_what_the_incident_would_say(
    action: Action, person: str, held: str, asks: tuple[object, ...], shipped_by: str
) -> None:
    case = case_of(held=held, asks={str(number): ask for number, ask in enumerate(asks)})
    found = explained(person, action, case, code="aaaaaaaa", shipped_by=shipped_by)
    opening = OPENING.model_copy(update={"playbook": PLAYBOOK, "shipped_by": shipped_by})
    act = Act(
        id="1", action=action, actor=found.who, reason="x", subject=PLAN, item=1, severity=Severity.MINOR
    )
    answer = decide(act, case.brief(opening), rights(PLAYBOOK))
    assert found.allowed == isinstance(answer, Allowed)
    assert found.why == (answer.reason if isinstance(answer, Refused) else f"by the right of {answer.right}")
