"""Static lint of votes: enough people can win them, and the ways past them lead somewhere."""

from __future__ import annotations

import pytest

from tests.unit.linted import SITE, Changes, errors, found, step

ALL = [
    "acknowledge",
    "approve",
    "reject",
    "hold",
    "resume",
    "retry",
    "skip",
    "abort",
    "note",
    "close",
    "tick",
]
NOTICE = 5
GLASS: Changes = {"break_glass": {"roles": ["on_call", "product"], "report": ["commander"]}}
WRONG: dict[str, tuple[Changes, str, str]] = {
    "a required role that nobody knows": (
        {"rules.2.required": ["legal"]},
        "rules[2].required[0]",
        "unknown role 'legal'. Known: on_call, commander, product",
    ),
    "a required role that may not approve": (
        {"rules.2.required": ["on_call"]},
        "rules[2].required[0]",
        "role 'on_call' may not approve; add the right under roles.on_call.may, or name another role",
    ),
    "a role that is required twice": (
        {"rules.2.required": ["product", "product"]},
        "rules[2].required[1]",
        "role 'product' stands there twice; delete one",
    ),
    "a role that is required of a rule that asks for nothing": (
        {"rules.0.required": ["product"]},
        "rules[0].required",
        "authority 'auto' asks for no approval; write 'authority: approve' or leave this out",
    ),
    "a window for a veto of what is approved anyway": (
        {"rules.2.veto_window": "60s"},
        "rules[2].veto_window",
        "only a revert that begins by itself is announced; write 'authority: auto' or leave this out",
    ),
    "a window for a veto that outlasts the revert": (
        {"rules.0.veto_window": "30m"},
        "rules[0].veto_window",
        (
            "the revert step ends after 30m, before these 30m are over; shorten this or lengthen the "
            "step's within"
        ),
    ),
    "a notice with an unknown approver": (
        {"steps.5": step(NOTICE, approve_by=["boss"])},
        "steps[5].approve_by[0]",
        "unknown role 'boss'. Known: on_call, commander, product",
    ),
    "a notice with an approver who may not": (
        {"steps.5": step(NOTICE, approve_by=["on_call"])},
        "steps[5].approve_by[0]",
        "role 'on_call' may not approve; add the right under roles.on_call.may, or name another role",
    ),
    "a notice with too large a quorum": (
        {"steps.5": step(NOTICE, approve_by=["product"], quorum=2)},
        "steps[5].quorum",
        (
            "a quorum of 2 needs as many distinct people, but 1 can approve (cleo); lower it, or give "
            "product to "
            "more people"
        ),
    ),
    "a consent by nobody": (
        {"consents": {"close": []}},
        "consents.close",
        "name the roles that must consent, or leave it out",
    ),
    "a consent by an unknown role": (
        {"consents": {"close": ["legal"]}},
        "consents.close[0]",
        "unknown role 'legal'. Known: on_call, commander, product",
    ),
    "a consent to a stop": (
        {"consents": {"hold": ["product"]}},
        "consents.hold",
        (
            "'hold' waits for nobody's consent: it must take effect at once; leave it out. Those that can "
            "wait: "
            "abort, close, come_back, resume, retry, severity, skip"
        ),
    ),
    "a consent to an approval": (
        {"consents": {"approve": ["product"]}},
        "consents.approve",
        (
            "'approve' waits for nobody's consent: name the roles under 'required' of what is approved. "
            "Those that "
            "can wait: abort, close, come_back, resume, retry, severity, skip"
        ),
    ),
    "glass for one role": (
        {"break_glass": {"roles": ["product", "product"], "report": ["commander"]}},
        "break_glass.roles",
        "it takes two distinct roles; name another one",
    ),
    "glass for unknown roles": (
        {"break_glass": {"roles": ["product", "boss"], "report": ["commander"]}},
        "break_glass.roles[1]",
        "unknown role 'boss'. Known: on_call, commander, product",
    ),
    "glass that is reported to an unknown role": (
        {"break_glass": {"roles": ["product", "on_call"], "report": ["boss"]}},
        "break_glass.report[0]",
        "unknown role 'boss'. Known: on_call, commander, product",
    ),
    "glass as a right of a role": (
        {**GLASS, "roles.product.may": ["approve", "reject", "break_glass"]},
        "roles.product.may[2]",
        "who may break the glass stands under break_glass.roles alone; name the role there",
    ),
    "an approval that outlasts the revert": (
        {"approvals": {"major": {"within": "30m", "on_timeout": "hold"}}},
        "approvals.major.within",
        (
            "the revert step ends after 30m, before these 30m are over; shorten this or lengthen the "
            "step's within"
        ),
    ),
    "an approval that proceeds without one": (
        {"approvals": {"major": {"within": "5m", "on_timeout": "proceed"}}},
        "approvals.major.on_timeout",
        (
            "an approval cannot proceed: a release that still serves users would pass for reverted. "
            "Choose one of "
            "escalate, hold, retry, abort"
        ),
    ),
    "an approval that goes further without one": (
        {"approvals": {"major": {"within": "5m", "on_timeout": "go_further"}}},
        "approvals.major.on_timeout",
        (
            "an approval cannot go_further: only a verification shows that less exposure is needed. "
            "Choose one of escalate, hold, retry, abort"
        ),
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_vote_that_cannot_work_is_an_error(case: str) -> None:
    changes, path, message = WRONG[case]
    assert errors(changes) == [(path, message)]


UNWISE: dict[str, tuple[Changes, str, str]] = {
    "an announcement that nobody can answer": (
        {"rules.0.veto_window": "5s"},
        "rules[0].veto_window",
        "nobody reads it and holds within 5s; lengthen it, or leave it out",
    ),
    "a time for a severity that cannot come": (
        {"approvals": {"critical": {"within": "5m", "on_timeout": "hold"}}},
        "approvals.critical",
        "the severity is major, and no role may change it, so this never holds; give 'severity' to a role",
    ),
    "a consent to what nobody may do": (
        {"consents": {"severity": ["product"]}},
        "consents.severity",
        "no role has the right 'severity', so nobody asks for consent; give it, or leave this out",
    ),
}


@pytest.mark.parametrize("case", UNWISE)
def test_what_never_matters_is_a_warning(case: str) -> None:
    changes, path, message = UNWISE[case]
    assert found(changes) == [("warning", path, message)]


def test_required_roles_take_as_many_people() -> None:
    both = SITE.people["cleo"].model_copy(update={"roles": ("product", "commander")})
    alone = SITE.people["ben"].model_copy(update={"roles": ("on_call",)})
    site = SITE.model_copy(update={"people": {**SITE.people, "cleo": both, "ben": alone}})
    problems = found({"consents": {"close": ["product", "commander"]}}, site=site)
    assert (
        "error",
        "consents.close",
        (
            "each of product, commander takes another person, but the people who fill them are only "
            "enough for 1; "
            "give a role to more people"
        ),
    ) in problems


def test_the_glass_takes_two_people() -> None:
    people = {key: one.model_copy(update={"roles": ("commander",)}) for key, one in SITE.people.items()}
    people["cleo"] = people["cleo"].model_copy(update={"roles": ("on_call", "product")})
    problems = found(GLASS, site=SITE.model_copy(update={"people": people}))
    message = "it takes two people in two of on_call, product; give them to more people"
    assert ("error", "break_glass.roles", message) in problems


def test_everything_together_is_sound() -> None:
    changes: Changes = {
        **GLASS,
        "rules.0.veto_window": "60s",
        "rules.2.required": ["product"],
        "consents": {"close": ["product"], "severity": ["product"]},
        "approvals": {"critical": {"within": "5m", "on_timeout": "escalate"}},
        "roles.commander.may": [*ALL, "severity", "override", "emergency", "come_back", "lift"],
        "steps.5": step(NOTICE, approve_by=["commander"], required=["product"], quorum=2),
    }
    assert found(changes) == []
