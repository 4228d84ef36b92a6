"""What Temporal's UI shows of a watch."""

from __future__ import annotations

from adapters.memory import START
from backout.evaluation import Evaluation, Outcome
from backout.guarding import Guarded
from backout.releases import Transition
from backout.watch_page import page
from tests.workflows.guarding import a_world, guard_of


def test_a_rule_that_fired_is_shown_with_its_numbers_and_a_clear_look_without_any() -> None:
    guard = guard_of(a_world(release="r2"))
    fired = Evaluation(outcome=Outcome.FIRED, rule="critical", reasons=("errors: 90 bad of 1000 judged",))
    clear = Evaluation(outcome=Outcome.CLEAR, reasons=("errors: 1 bad of 1000 judged",))
    changes = tuple(Transition(at=START, evaluation=said) for said in (clear, fired))
    shown = page(guard, guard.view(Guarded(since=START)).model_copy(update={"transitions": changes}))
    assert "UTC: rule critical fired: errors: 90 bad of 1000 judged\n" in shown
    assert "UTC: clear\n" in shown
