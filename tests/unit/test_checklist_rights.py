"""The checklist on paper says what a decision takes, beside who has the right."""

from __future__ import annotations

from backout.checklist import render
from tests.unit.linted import changed

RIGHTS = {
    "break_glass": {"roles": ["on_call", "product"], "report": ["commander"]},
    "consents": {"close": ["product", "on_call"]},
    "approvals": {"critical": {"within": "5m", "on_timeout": "escalate"}},
    "rules.0.veto_window": "60s",
    "rules.2.required": ["product"],
}


def test_it_says_what_a_decision_takes() -> None:
    text = render(changed(RIGHTS), members=None)
    for line in (
        "- Nobody approves, overrides or breaks the glass for a release that they shipped.",
        "- Severity critical: approvals have 5m where a rule says nothing else; silence means: escalate.",
        "- close takes effect only once consented to by product, and by on_call, each another person.",
        (
            "- Break-glass: two people in two of on_call, product authorise what waits, each with a reason. "
            "Called about it: commander."
        ),
        "| break_glass (with a reason) | yes |  | yes |",
    ):
        assert line in text.splitlines()


def test_it_says_what_is_announced_and_who_must_be_among_those_who_approve() -> None:
    text = render(changed(RIGHTS), members=None)
    assert "is announced, and reverts after 1m unless somebody holds it." in text
    assert "2 different people (commander or product), with product among them approved the plan" in text


def test_it_says_nothing_of_what_the_playbook_does_not_have() -> None:
    text = render(changed({}), members=None)
    assert "Break-glass" not in text
    assert "consented" not in text
    assert "reverts at once; nobody is asked." in text


def test_rights_over_releases_are_there_where_somebody_has_them() -> None:
    nobody = changed({"roles.commander.may": ["approve", "hold"]})
    assert "| lift |" not in render(nobody, members=None)
    text = render(changed({"roles.commander.may": ["approve", "hold", "lift"]}), members=None)
    (line,) = [line for line in text.splitlines() if line.startswith("| lift |")]
    assert line.count("yes") == 1
    assert "| baseline |" not in text
