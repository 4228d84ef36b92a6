"""`backout triggers`: why an incident was decided as it was, and what its data says afterwards."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from backout.errors import NothingToTest
from backout.evaluation import Evaluation, Outcome, Verdict
from backout.explaining import Branch, explained, rule_tree
from backout.guard import Guard, Judged
from backout.review import reverted_at
from backout.rules import AllOf, AnyOf, AtLeast
from backout.simulation import Simulation
from backout.suggestions import Cell, Grid
from backout.timeline import SignalsJudged
from backout.timeline_exposure import ExposureSet
from backout.view import IncidentView, Question
from cli import explaining, reviewing
from cli.recording import Asked
from tests.unit.linted import changed
from tests.unit.recorded import LIMIT, RATIO, START, TICK, at, guard, looks, stream
from tests.unit.views import full_view

TWO = guard(
    signals={"errors": RATIO, "slow": RATIO | {"bad": "slow", "source": "other"}},
    criteria=[
        {"id": "limit", "signal": "errors", "test": LIMIT},
        {"id": "slow", "signal": "slow", "test": LIMIT},
        {"id": "shadow", "signal": "errors", "test": LIMIT, "mode": "observe"},
    ],
    rules=[
        {"id": "critical", "when": {"all_of": ["limit", {"any_of": ["slow", "limit"], "level": "hold"}]}},
        {"id": "other", "when": {"any_of": ["slow", "shadow"]}, "authority": "ack"},
    ],
)


def fired(by: Guard = TWO) -> Evaluation:
    """Return the evaluation in which a rule fires on an error rate that is four times the limit."""
    simulation = Simulation(by)
    for look in looks(stream([(60, 0.01), (120, 0.08)])):
        said = simulation.look(look)
        if said.rule:
            return said
    raise AssertionError


def incident(*events: SignalsJudged | ExposureSet, by: Guard = TWO, **changes: object) -> IncidentView:
    """Return an incident with these events and this guard."""
    told = {name: getattr(by, name) for name in Guard.model_fields}
    playbook = changed({}).model_copy(update=told)
    return full_view().model_copy(update={"playbook": playbook, "timeline": events, **changes})


def judged(said: Evaluation, **after: float) -> SignalsJudged:
    return SignalsJudged(at=at(**after), step="detect", sense="breach", evaluation=said)


def test_each_factor_has_its_numbers_and_what_they_are_held_against() -> None:
    found = explained(incident(judged(fired())))
    assert found.decision is not None
    limit = found.decision.weighed[0]
    assert limit.factor.criterion == "limit"
    assert limit.rate == pytest.approx(limit.factor.bad / limit.factor.judged)
    assert limit.rate is not None
    assert limit.factor.limit is not None
    assert limit.rate > limit.factor.limit
    assert limit.factor.evidence >= limit.need == timedelta(days=100) / TICK
    assert limit.suspicion == pytest.approx(timedelta(days=7) / TICK)


def test_the_tree_of_each_rule_says_which_leaf_was_true() -> None:
    found = explained(incident(judged(fired())))
    assert found.decision is not None
    critical, other = found.decision.rules
    assert (critical.fired, critical.tree.holds, critical.tree.text) == (True, True, "all of (level revert)")
    leaf, group = critical.tree.parts
    assert (leaf.text, leaf.holds) == ("limit", True)
    assert "evidence" in leaf.why
    assert [(part.text, part.holds) for part in group.parts] == [("slow", False), ("limit", True)]
    assert (other.fired, other.tree.holds) == (False, False)
    assert "only observed" in other.tree.parts[1].why


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (AnyOf(any_of=("slow", "limit")), True),
        (AnyOf(any_of=("slow",)), False),
        (AllOf(all_of=("slow", "limit")), False),
        (AtLeast(at_least=1, of=("slow", "limit")), True),
        (AtLeast(at_least=2, of=("limit", "shadow")), False),
        (AllOf(all_of=(AnyOf(any_of=("limit",)), AnyOf(any_of=("limit", "slow")))), True),
    ],
    ids=str,
)
def test_a_tree_is_as_true_as_the_rule_would_be(condition: AnyOf | AllOf | AtLeast, *, holds: bool) -> None:
    assert rule_tree(condition, fired(), TWO).holds is holds


def test_the_decision_is_the_last_in_which_a_rule_fired_and_the_others_are_told() -> None:
    said = fired()
    quiet = said.model_copy(update={"outcome": Outcome.INCONCLUSIVE, "rule": None})
    found = explained(incident(judged(said, minutes=1), judged(quiet, minutes=2)))
    assert found.decision is not None
    assert found.decision.at == at(minutes=1)
    assert len(found.earlier) == 1
    assert explained(incident()).decision is None


def test_people_read_everything_that_weighed(capsys: pytest.CaptureFixture[str]) -> None:
    answer = Judged(judgment="view", answer="worried", by="Ann", at=START, until=at(minutes=30))
    question = Question(judgment="view", ask="Is it?", roles=("lead",), answers={}, given=answer)
    said = fired().model_copy(update={"not_counted": ("errors: a counter fell",)})
    explaining.show(explained(incident(judged(said), questions=(question,))))
    shown = capsys.readouterr().out
    for words in (
        "FIRED by rule critical",
        "breached",
        f"{said.factors[0].judged} since 2026-",
        "5.76e+05",
        "Blind: source other",
        "Not counted: errors: a counter fell",
        "Only observed: ",
        "Rule critical (revert, approve): fired",
        "    + limit: ",
        "      - slow: ",
        "Judgment: view is worried, by Ann",
    ):
        assert words in shown


def write(path: Path, *rates: tuple[int, float], slow: tuple[tuple[int, float], ...]) -> Path:
    rows = sorted([*stream(rates), *stream(slow, signal="slow", seed=2)], key=lambda row: row.at)
    told = (f"{row.at.isoformat()},{row.streams[0]},{row.bad},{row.judged}\n" for row in rows)
    path.write_text("at,signal,bad,judged\n" + "".join(told))
    return path


def exposure(**after: float) -> ExposureSet:
    return ExposureSet(at=at(**after), target="t", stage=0, before=100, after=0, key="k")


async def test_a_review_names_the_signal_that_moved_first_and_how_long_before_the_revert(
    tmp_path: Path,
) -> None:
    data = write(tmp_path / "days.csv", (360, 0.005), (120, 0.03), slow=((240, 0.005), (240, 0.012)))
    found = await reviewing.reviewed(incident(exposure(minutes=110)), Asked(data=data))
    first, second = found.moved
    assert (first.stream, second.stream) == ("slow", "errors")
    assert first.ahead_s == pytest.approx(50 * 60, abs=300)
    assert second.ahead_s == pytest.approx(20 * 60, abs=90)
    assert second.before == pytest.approx(0.005, abs=0.002)
    assert second.after == pytest.approx(0.03, abs=0.01)


async def test_what_came_after_the_revert_does_not_count(tmp_path: Path) -> None:
    data = write(tmp_path / "days.csv", (360, 0.005), (120, 0.03), slow=((480, 0.005),))
    found = await reviewing.reviewed(incident(exposure(minutes=80)), Asked(data=data))
    assert found.moved == ()
    assert set(found.still) == {"errors", "slow"}
    assert found.grid is None


async def test_a_review_suggests_settings_with_their_cost_in_false_fires(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    by = guard()
    data = write(tmp_path / "days.csv", (200, 0.016), (160, 0.04), slow=())
    view = incident(exposure(minutes=90), by=by)
    found = await reviewing.reviewed(view, Asked(data=data))
    assert found.grid is not None
    tight = next(cell for cell in found.grid.cells if (cell.factor, cell.sustain_s) == (0.5, 60))
    assert tight.false >= 1
    best = found.grid.best
    assert best is not None
    assert best.false == 0
    assert best.worst_s < found.grid.own.worst_s
    reviewing.show(found)
    shown = capsys.readouterr().out
    assert "in-sample" in shown
    assert f"limits x{best.factor:g}" in shown


async def test_a_review_without_data_from_before_the_revert_is_refused(tmp_path: Path) -> None:
    data = write(tmp_path / "days.csv", (20, 0.005), slow=())
    early = ExposureSet(at=START - timedelta(hours=1), target="t", stage=0, before=100, after=0, key="k")
    with pytest.raises(NothingToTest, match="no data is from before the revert"):
        await reviewing.reviewed(incident(early), Asked(data=data))


def test_the_revert_is_the_first_change_of_exposure_or_else_the_decision() -> None:
    idle = exposure(minutes=1).model_copy(update={"changed": False})
    assert reverted_at(incident(judged(fired(), minutes=3), idle, exposure(minutes=5))) == at(minutes=5)
    assert reverted_at(incident(judged(fired(), minutes=3), idle)) == at(minutes=3)
    assert reverted_at(incident(idle)) is None


def test_a_leaf_that_counted_by_what_was_before_is_true() -> None:
    said = fired()
    healthy = said.factors[1].model_copy(update={"verdict": Verdict.HEALTHY, "reason": "slow: fine"})
    told = said.model_copy(
        update={
            "factors": (said.factors[0], healthy),
            "reasons": ("slow: fine (but suspect until 09:00:00 UTC)",),
        }
    )
    tree = rule_tree(AnyOf(any_of=("slow",), level="hold", within=timedelta(minutes=15)), told, TWO)
    assert tree == Branch(
        text="any of (level hold, within 15m)",
        holds=True,
        parts=(Branch(text="slow", holds=True, why="by what was before: fine"),),
    )


def test_the_best_setting_is_the_quickest_that_is_not_wrong_more_often() -> None:
    def cell(factor: float, false: int, missed: int, *delays_s: float) -> Cell:
        return Cell(
            factor=factor, sustain_s=60, false=false, false_per_day=0, missed=missed, delays_s=delays_s
        )

    hasty, deaf, quick, slow = (
        cell(0.5, 2, 0, 30),
        cell(1.5, 0, 1, 20),
        cell(0.7, 0, 0, 50),
        cell(0.85, 0, 0, 90),
    )
    own = cell(1, 0, 0, 100)
    assert Grid(own=own, cells=(hasty, deaf, slow, quick)).best == quick
    assert Grid(own=own, cells=(hasty, deaf)).best is None
