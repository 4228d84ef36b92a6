"""Arming: an `auto` rule reverts by itself only with a passing backtest of these very rules beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from backout import arming, detector
from backout.arming import (
    Record,
    Recorded,
    Unreadable,
    armed,
    arming_problems,
    disarmed,
    guard_digest,
    read_record,
)
from backout.criteria import Criterion, Missing
from backout.guard import Guard
from backout.lint import checked_playbook
from backout.playbook import Playbook
from backout.rules import Rule
from deployment import load_deployment, load_record, load_templates, read_site, record_path
from tests.unit.linted import changed
from tests.unit.recorded import guard
from tools.made_up_record import arm, made_up_record

PLAYBOOK = changed({})
RECORD = made_up_record(PLAYBOOK)
SHIPPED = sorted(Path("playbooks").glob("*.yaml"))


def authorities(playbook: Playbook) -> list[str]:
    return [rule.authority for rule in playbook.rules]


def test_a_passing_record_of_these_rules_arms_them() -> None:
    assert "auto" in authorities(PLAYBOOK)
    assert armed(PLAYBOOK, RECORD) == PLAYBOOK
    assert arming_problems(PLAYBOOK, RECORD) == ()


@pytest.mark.parametrize(
    ("record", "why"),
    [
        pytest.param(None, "no backtest is recorded", id="none"),
        pytest.param(Unreadable(why="x"), "cannot be read", id="unreadable"),
        pytest.param(RECORD.model_copy(update={"passed": False}), "did not pass", id="failed"),
        pytest.param(
            RECORD.model_copy(update={"playbook": "other"}), "of playbook 'other'", id="of another playbook"
        ),
        pytest.param(
            RECORD.model_copy(update={"guard": "sha256:0"}), "of other signals", id="of other rules"
        ),
        pytest.param(
            RECORD.model_copy(update={"gate": RECORD.gate.model_copy(update={"rules": ("other",)})}),
            "did not judge it",
            id="other rules judged",
        ),
        pytest.param(
            RECORD.model_copy(update={"gate": RECORD.gate.model_copy(update={"max_false_per_day": None})}),
            "had no gate",
            id="no gate on false fires",
        ),
        pytest.param(
            RECORD.model_copy(update={"gate": RECORD.gate.model_copy(update={"must_catch": None})}),
            "had no gate",
            id="no gate on what is caught",
        ),
        pytest.param(
            RECORD.model_copy(update={"gate": RECORD.gate.model_copy(update={"max_false_per_day": 1e9})}),
            "had a gate of 1e+09 false fires a day; more than 0.0333, one in 30 days, arms nothing",
            id="an absurd gate",
        ),
        pytest.param(
            RECORD.model_copy(update={"healthy_days": 26.9}),
            "has 26.9 healthy days; fewer than 27 arm nothing",
            id="too few healthy days",
        ),
        pytest.param(
            RECORD.model_copy(update={"false": 4}),
            "has 4 false fires in 99 healthy days; that arms nothing",
            id="too many false fires",
        ),
        pytest.param(
            RECORD.model_copy(
                update={"caught": (RECORD.caught[0].model_copy(update={"rule": None, "at": None}),)}
            ),
            "caught no bad period",
            id="nothing caught",
        ),
    ],
)
def test_without_one_the_rule_asks_for_approval_and_lint_says_why(record: Recorded, why: str) -> None:
    weaker = armed(PLAYBOOK, record)
    assert "auto" not in authorities(weaker)
    changed_rules = {
        before.id for before, after in zip(PLAYBOOK.rules, weaker.rules, strict=True) if before != after
    }
    assert changed_rules == {rule.id for rule in PLAYBOOK.rules if rule.authority == "auto"}
    (problem,) = arming_problems(PLAYBOOK, record)
    assert (problem.severity, problem.path[0], problem.path[2]) == ("warning", "rules", "authority")
    assert why in problem.message
    assert "acts as 'approve'" in problem.message


def test_a_rule_that_alerts_alone_can_fire_is_armed_by_no_backtest() -> None:
    either = changed({"rules.0.when": {"any_of": ["error-limit", "reported"]}})
    why = disarmed(either, made_up_record(either))
    assert why == {either.rules[0].id: "alerts alone can fire it, and a backtest hears none"}
    both = changed({"rules.0.when": {"all_of": ["error-limit", "reported"]}})
    assert disarmed(both, made_up_record(both)) == {}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("criteria.0.test.max", "9%"),
        ("criteria.0.evidence", {"sustain": "1m"}),
        ("rules.0.when", {"any_of": ["error-limit"], "level": "hold"}),
        ("signals.errors.bad", "other_total"),
        ("tick", "30s"),
        ("rearm", {"quiet": "1m", "cooldown": "2m"}),
    ],
)
def test_a_change_of_what_decides_disarms(path: str, value: object) -> None:
    other = changed({path: value})
    assert disarmed(other, RECORD)


class Later(Criterion):
    """A criterion of a later version, with another default."""

    missing: Missing = Missing(do="hold")


class LaterGuard(Guard):
    """What decides, in that version."""

    criteria: tuple[Later, ...]


def test_another_default_of_the_software_is_another_thing_that_decides() -> None:
    now = guard()
    same = Guard.model_validate(now.model_dump(exclude_unset=True))
    later = LaterGuard.model_validate(now.model_dump(exclude_unset=True))
    assert guard_digest(same) == guard_digest(now) != guard_digest(later)


def test_who_approves_a_rule_may_change_and_nothing_else_of_it() -> None:
    assert set(Rule.model_fields) - arming.NOT_DECIDING["rules"]["__all__"] == {"id", "when", "do"}


def test_another_meaning_of_the_same_rules_disarms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arming, "LANGUAGE", arming.LANGUAGE + 1)
    assert disarmed(PLAYBOOK, RECORD)


def test_whoever_changes_what_the_detector_makes_of_the_same_counts_raises_the_language() -> None:
    seen: tuple[float, ...] = detector.NO_EVIDENCE
    ratios, largest = detector.log_ratios(0.02), detector.cap(576_000, 16)
    for bad in (1, 4, 0, 9, 30):
        seen = detector.advance(seen, bad=bad, judged=100, ratios=ratios, largest=largest)
    assert arming.LANGUAGE == 1
    assert detector.evidence(seen) == pytest.approx(9.37157448830951)


@pytest.mark.parametrize(
    ("path", "value"),
    [("signals.errors.about", "Other words."), ("scenario", "Other words."), ("version", 9)],
)
def test_a_change_of_words_does_not(path: str, value: object) -> None:
    assert guard_digest(changed({path: value}).guard) == RECORD.guard


def test_a_record_of_made_up_days_arms_and_lint_says_what_it_is() -> None:
    synthetic = RECORD.model_copy(update={"synthetic": True})
    assert armed(PLAYBOOK, synthetic) == PLAYBOOK
    (problem,) = arming_problems(PLAYBOOK, synthetic)
    assert problem.severity == "warning"
    assert "synthetic" in problem.message


@pytest.mark.parametrize("text", ["", "{", "[]", '{"playbook": "x"}', "null", RECORD.model_dump_json()[:-9]])
def test_a_record_that_cannot_be_read_says_so_and_arms_nothing(text: str) -> None:
    record = read_record(text)
    assert isinstance(record, Unreadable)
    assert record.why
    assert disarmed(PLAYBOOK, record)


def test_a_record_is_read_as_it_was_written() -> None:
    assert read_record(RECORD.model_dump_json()) == RECORD


@pytest.mark.parametrize("file", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_playbook_is_armed_by_a_record_that_says_that_it_is_synthetic(file: Path) -> None:
    playbook = checked_playbook(
        file.read_text(encoding="utf-8"), file=str(file), templates=load_templates(), site=None
    )
    record = load_record(file)
    assert disarmed(playbook, record) == {}
    if "auto" in authorities(playbook):
        assert isinstance(record, Record)
        assert record.synthetic
        assert record.at_most_per_day * record.healthy_days > 2.9


def test_a_deployment_runs_its_playbooks_as_they_are_armed(tmp_path: Path) -> None:
    from cli.starter import write_starter  # noqa: PLC0415  # the only test that needs it

    write_starter(tmp_path)
    at = read_site(tmp_path / "site.yaml", {})
    (file,) = (tmp_path / "my-playbooks").glob("*.yaml")
    assert "auto" in authorities(load_deployment(at).playbooks[file.stem])
    record_path(file).unlink()
    without = load_deployment(at)
    assert "auto" not in authorities(without.playbooks[file.stem])
    assert set(without.disarmed[file.stem]) == {"harm", "broken"}
    arm(file)
    assert load_deployment(at).disarmed[file.stem] == {}


def test_the_doctor_names_each_rule_that_is_not_armed_and_why(tmp_path: Path) -> None:
    from cli.doctor.examine import look_at_arming  # noqa: PLC0415  # the only test that needs it
    from cli.doctor.report import Report  # noqa: PLC0415  # as above
    from cli.starter import write_starter  # noqa: PLC0415  # as above

    write_starter(tmp_path)
    (file,) = (tmp_path / "my-playbooks").glob("*.yaml")
    at, report = read_site(tmp_path / "site.yaml", {}), Report()
    look_at_arming(report, load_deployment(at))
    assert report.findings == []
    record_path(file).write_text("{}")
    look_at_arming(report, load_deployment(at))
    assert [(one.level, one.what) for one in report.findings] == [
        ("warn", f"rule harm of {file.stem}"),
        ("warn", f"rule broken of {file.stem}"),
    ]
    assert "cannot be read" in report.findings[0].found
