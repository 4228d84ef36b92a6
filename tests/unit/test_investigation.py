"""An investigation names what the rule found, and where people should look."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from backout.evaluation import Evaluation, Factor, Outcome, Verdict
from backout.investigation import investigation
from tests.workflows.playbooks import playbook

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
RULE = {
    "id": "bias",
    "do": "pause_and_investigate",
    "when": {"any_of": [{"all_of": ["error_rate"]}, "provider"]},
}
PLAYBOOK = playbook(rules=[RULE])


def factor(criterion: str, verdict: Verdict, **fields: Any) -> Factor:  # noqa: ANN401  # any field
    """Return what a criterion says."""
    return Factor(criterion=criterion, verdict=verdict, reason=f"{criterion} is {verdict}", **fields)


def test_only_what_the_rule_names_and_what_is_in_doubt_is_a_finding() -> None:
    gap = factor("error_rate", Verdict.BREACHED, signal="errors", cohort="sw", bad=30, judged=100)
    others = (factor("provider", Verdict.HEALTHY), factor("other", Verdict.BREACHED))
    said = Evaluation(outcome=Outcome.FIRED, rule="bias", factors=(gap, *others))
    event = investigation(said, PLAYBOOK.rules[0], PLAYBOOK.guard, at=NINE)
    assert event.findings == (gap,)
    assert event.line == (
        "Investigation opened by rule bias: error_rate is breached. "
        "Look at operational signal errors of cohort 'sw', from source metrics"
    )


def test_an_alert_is_looked_at_where_it_came_from() -> None:
    said = Evaluation(outcome=Outcome.FIRED, factors=(factor("provider", Verdict.BREACHED),))
    event = investigation(said, PLAYBOOK.rules[0], PLAYBOOK.guard, at=NINE)
    assert event.look_at == ("the alert behind provider",)


def test_what_a_signal_means_is_told_with_it() -> None:
    signals = {"errors": PLAYBOOK.signals["errors"].model_copy(update={"about": "failed answers"})}
    guard = PLAYBOOK.guard.model_copy(update={"signals": signals})
    said = Evaluation(
        outcome=Outcome.FIRED, factors=(factor("error_rate", Verdict.SUSPECT, signal="errors"),)
    )
    (place,) = investigation(said, PLAYBOOK.rules[0], guard, at=NINE).look_at
    assert place == "operational signal errors, from source metrics: failed answers"
