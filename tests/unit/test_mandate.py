"""What a revert takes: the rule's own authority, the roles after a veto, or people who decide alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from backout.evaluation import Evaluation, Outcome
from backout.mandate import Mandate, mandate
from backout.playbook import Playbook
from backout.rules import Do
from backout.severity import Severity
from backout.steps import Move
from tests.workflows.playbooks import playbook

WHEN = {"any_of": ["error_rate"]}
AUTO = {"id": "auto", "authority": "auto", "when": WHEN}
ACK = {"id": "ack", "authority": "ack", "when": WHEN}
ASK = {
    "id": "ask",
    "authority": "approve",
    "approve_by": ["commander"],
    "quorum": 1,
    "approve_within": "10m",
    "on_timeout": "abort",
    "when": WHEN,
}
HOLD = {"id": "freeze", "do": "hold", "authority": "auto", "when": WHEN}
PAUSE = {
    "id": "bias",
    "do": "pause_and_investigate",
    "approve_by": ["commander", "product"],
    "when": WHEN,
}
BOTH = ("commander", "product")


def fired(rule: str | None, **fields: Any) -> Evaluation:  # noqa: ANN401  # any field
    """Return an evaluation that fired by this rule."""
    return Evaluation(outcome=Outcome.FIRED, rule=rule, **fields)


def of(*rules: dict[str, Any]) -> Playbook:
    return playbook(rules=list(rules))


EVERYTHING = of(AUTO, ACK, ASK, HOLD, PAUSE)
HUMAN = Mandate(because="human-decision", authority="approve", roles=BOTH, quorum=1)

TAKEN: dict[str, tuple[Evaluation | None, dict[str, Any]]] = {
    "an automatic rule": (fired("auto"), {"because": "auto", "authority": "auto"}),
    "a rule that wants an owner": (fired("ack"), {"because": "ack", "authority": "ack"}),
    "a rule that asks": (
        fired("ask"),
        {
            "because": "ask",
            "authority": "approve",
            "roles": ("commander",),
            "quorum": 1,
            "within": timedelta(minutes=10),
            "on_timeout": Move.ABORT,
        },
    ),
    "an automatic rule after a veto ran out": (
        fired("auto", decide_by=("product",)),
        {"because": "auto", "authority": "approve", "roles": ("product",), "must": ("product",), "quorum": 1},
    ),
    "a rule that asks, after a veto ran out": (
        fired("ask", decide_by=("product",)),
        {"authority": "approve", "roles": BOTH, "must": ("product",), "on_timeout": Move.ABORT},
    ),
    "a rule that only holds": (fired("freeze"), {"because": "human-decision", "authority": "approve"}),
    "a rule that wants an investigation": (
        fired("bias"),
        {"because": "bias", "authority": "approve", "roles": BOTH, "quorum": 2, "roles_needed": 2},
    ),
    "nothing fired": (None, {"because": "human-decision", "authority": "approve", "roles_needed": 1}),
    "a judgment": (
        fired(None, do=Do.REVERT, decide_by=("on_call",)),
        {"because": "human-decision", "authority": "approve", "must": ()},
    ),
}


@pytest.mark.parametrize("case", TAKEN)
def test_a_revert_takes(case: str) -> None:
    said, wanted = TAKEN[case]
    found = mandate(said, EVERYTHING)
    assert {name: getattr(found, name) for name in wanted} == wanted


FAIRNESS: dict[str, Any] = {
    "signals": {
        name: {"kind": "ratio", "family": family, "source": "metrics", "bad": "bad", "of": "requests"}
        for name, family in (("errors", "operational"), ("bias", "fairness"))
    }
    | {"topics": {"kind": "distribution", "family": "quality", "source": "m", "of": "all", "by": "topic"}},
    "criteria": [
        {"id": "error_rate", "signal": "errors", "test": {"compare": "limit", "max": "1%"}},
        {"id": "gap", "signal": "errors", "test": {"compare": "gap", "by": "language", "max_ratio": 2}},
        {"id": "bias", "signal": "bias", "test": {"compare": "limit", "max": "1%"}},
        {
            "id": "drift",
            "signal": "topics",
            "test": {"compare": "drift", "reference": {"a": 1}, "max_rise": "1%"},
        },
    ],
    "occasions": {"outage": {"kind": "outage"}},
}
ROLES_NEEDED: dict[str, tuple[dict[str, Any], int]] = {
    "a gap": ({"any_of": ["gap"]}, 2),
    "a signal of fairness": ({"any_of": ["bias"]}, 2),
    "both": ({"all_of": ["gap", "bias"]}, 2),
    "a gap or errors": ({"any_of": ["error_rate", "gap"]}, 2),
    "a gap inside": ({"any_of": ["error_rate", {"all_of": ["gap", "bias"]}]}, 2),
    "a gap while inputs drift": ({"all_of": ["gap", "drift"]}, 2),
    "a gap while a provider is down": ({"all_of": ["gap", "outage"]}, 2),
    "a gap with errors": ({"all_of": ["gap", "error_rate"]}, 1),
    "drift": ({"any_of": ["drift"]}, 1),
    "errors": ({"any_of": ["error_rate"]}, 1),
    "errors while inputs drift": ({"all_of": ["error_rate", "drift"]}, 1),
}


@pytest.mark.parametrize("case", ROLES_NEEDED)
def test_so_many_roles_decide_about_a_revert_on(case: str) -> None:
    when, roles = ROLES_NEEDED[case]
    found = mandate(fired("ask"), playbook(rules=[{**ASK, "approve_by": BOTH, "when": when}], **FAIRNESS))
    assert (found.roles_needed, found.quorum, found.authority) == (roles, roles, "approve")
    assert (found.because, found.roles, found.on_timeout) == ("ask", BOTH, Move.ABORT)


def test_fairness_alone_never_reverts_without_two_roles_whatever_the_rule_says() -> None:
    changes = {**FAIRNESS, "rules": [{**AUTO, "when": {"any_of": ["gap"]}}]}
    assert mandate(fired("auto"), playbook(**changes)).roles_needed == 2
    after_veto = mandate(fired("auto", decide_by=("product",)), playbook(**changes))
    assert (after_veto.roles_needed, after_veto.quorum, after_veto.must) == (2, 2, ("product",))


def test_a_revert_after_an_answered_investigation_takes_two_roles_unless_another_rule_fires() -> None:
    assert mandate(None, EVERYTHING, ("bias",)).roles_needed == 2
    assert mandate(fired("freeze"), EVERYTHING, ("bias", "freeze")).roles_needed == 2
    assert mandate(fired("auto"), EVERYTHING, ("bias",)) == mandate(fired("auto"), EVERYTHING)


def test_a_larger_quorum_stays_a_larger_quorum() -> None:
    assert mandate(fired("bias"), of({**PAUSE, "quorum": 3})).quorum == 3
    asked = playbook(rules=[{**ASK, "quorum": 4, "when": {"any_of": ["gap"]}}], **FAIRNESS)
    assert mandate(fired("ask"), asked).quorum == 4
    assert mandate(fired("ask", decide_by=("product",)), of({**ASK, "quorum": 2})).quorum == 2
    assert mandate(fired("freeze"), of(HOLD, {**ASK, "quorum": 2})).quorum == 2


TIMES = {
    "critical": {"within": "5m", "on_timeout": "escalate"},
    "minor": {"within": "20m", "on_timeout": "abort"},
}


@pytest.mark.parametrize(
    ("rule", "severity", "wanted"),
    [
        ("plain", None, (timedelta(minutes=5), Move.ESCALATE)),
        ("plain", Severity.MINOR, (timedelta(minutes=20), Move.ABORT)),
        ("plain", Severity.MAJOR, (None, None)),
        ("ask", Severity.CRITICAL, (timedelta(minutes=10), Move.ABORT)),
        ("auto", Severity.CRITICAL, (None, None)),
    ],
)
def test_the_time_is_the_rule_s_own_or_that_of_the_severity(
    rule: str, severity: Severity | None, wanted: tuple[timedelta | None, Move | None]
) -> None:
    plain = {"id": "plain", "authority": "approve", "when": WHEN}
    found = mandate(fired(rule), playbook(rules=[plain, ASK, AUTO], approvals=TIMES), severity=severity)
    assert (found.within, found.on_timeout) == wanted


def test_required_roles_count_among_the_approvers_and_only_what_is_automatic_is_announced() -> None:
    asked = {**ASK, "required": ["product"]}
    found = mandate(fired("ask"), of(asked))
    assert (found.roles, found.required, found.veto_window) == (BOTH, ("product",), None)
    announced = {**AUTO, "veto_window": "60s"}
    assert mandate(fired("auto"), of(announced)).veto_window == timedelta(minutes=1)
    assert mandate(fired("auto", decide_by=("product",)), of(announced)).authority == "approve"
