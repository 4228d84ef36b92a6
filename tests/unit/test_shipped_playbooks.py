"""The shipped playbooks are complete, sound, and different from each other in substance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template

import pytest

from adapters.sources.selector import parse_selector
from backout.counting import Totals
from backout.criteria import Criterion
from backout.evaluation import Outcome
from backout.lint import inspect
from backout.playbook import Playbook
from backout.rendering import render, title_and_text
from backout.steps import ManualStep, NotifyStep, RevertStep
from backout.triggers import Watch, advance, breach
from backout.view import IncidentOutcome, IncidentSummary, Phase
from backout.yaml_text import load_playbook
from tests.unit.linted import SITE

ROOT = Path(__file__).parents[2]
TEMPLATES = {
    path.relative_to(ROOT / "templates").as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "templates").rglob("*.j2")
}
FILES = {path.stem: path for path in (ROOT / "playbooks").glob("*.yaml")}
PLAYBOOKS = {
    name: load_playbook(path.read_text(encoding="utf-8"), file=str(path)) for name, path in FILES.items()
}
BEGAN = datetime(2026, 11, 20, 21, 3, 11, tzinfo=UTC)
every_playbook = pytest.mark.parametrize("name", sorted(PLAYBOOKS))


def summary(playbook: Playbook, exposure: int | None) -> IncidentSummary:
    return IncidentSummary(
        incident=f"incident/{playbook.release.service}/2026.11",
        run="r",
        service=playbook.release.service,
        release="2026.11",
        playbook=playbook.playbook,
        severity=playbook.severity,
        phase=Phase.NOTIFY,
        outcome=IncidentOutcome.OPEN,
        opened_at=BEGAN,
        exposure=exposure,
    )


def test_there_is_one_for_each_deployment_context() -> None:
    assert set(PLAYBOOKS) == {"conversational-agent", "image-generator", "data-augmentation"}


@every_playbook
def test_lint_has_nothing_to_say_about_it(name: str) -> None:
    text = FILES[name].read_text(encoding="utf-8")
    _, findings = inspect(text, file=str(FILES[name]), templates=TEMPLATES, site=SITE)
    assert [finding.text for finding in findings] == []


@every_playbook
def test_it_goes_from_detection_to_the_postmortem(name: str) -> None:
    kinds = [step.step for step in PLAYBOOKS[name].steps]
    assert kinds[0] == "detect"
    assert kinds[-1] == "postmortem"
    assert {"escalate", "revert", "check", "verify", "notify"} < set(kinds)


@every_playbook
def test_its_queries_are_read_by_the_exposition_source(name: str) -> None:
    playbook = PLAYBOOKS[name]
    queries = [query for signal in playbook.signals.values() for query in (signal.bad, signal.of)]
    assert playbook.release.requests is not None
    for query in (*queries, playbook.release.requests.query):
        parse_selector(Template(query).substitute(service=playbook.release.service, release="2026.11"))


@every_playbook
def test_its_signals_go_on_counting_without_the_candidate_and_its_requests_are_the_candidates_alone(
    name: str,
) -> None:
    playbook = PLAYBOOKS[name]
    assert "$release" not in "".join(signal.bad + signal.of for signal in playbook.signals.values())
    assert playbook.release.requests is not None
    assert 'release="$release"' in playbook.release.requests.query


@every_playbook
@pytest.mark.parametrize("exposure", [None, 0, 50])
def test_its_notices_have_a_title_and_say_what_is_true(name: str, exposure: int | None) -> None:
    playbook = PLAYBOOKS[name]
    for step in playbook.steps:
        if isinstance(step, NotifyStep):
            rendered = render(
                f"notices/{step.template}.md.j2",
                templates=TEMPLATES,
                incident=summary(playbook, exposure),
                view=None,
                audience=step.audience,
            )
            title, text = title_and_text(rendered)
            assert rendered.startswith(f"# {title}\n")
            assert text
            assert exposure == 0 or "served by the previous version again" not in text
            assert exposure == 0 or "That version is out of service" not in text


def test_every_notice_is_used_by_a_playbook() -> None:
    steps = [step for playbook in PLAYBOOKS.values() for step in playbook.steps]
    used = {f"notices/{step.template}.md.j2" for step in steps if isinstance(step, NotifyStep)}
    assert {name for name in TEMPLATES if name.startswith("notices/")} == used


def test_the_conversational_agent_counts_what_the_demos_service_counts() -> None:
    playbook = PLAYBOOKS["conversational-agent"]
    assert {(signal.bad, signal.of) for signal in playbook.signals.values()} == {
        ("chat_errors_total", "chat_requests_total"),
        ("chat_unsafe_total", "chat_judged_total"),
        ("chat_unsupported_total", "chat_judged_total"),
    }
    assert [(rule.authority, rule.quorum) for rule in playbook.rules] == [("auto", 1), ("approve", 2)]
    assert [step.step for step in playbook.steps] == [
        "detect", "escalate", "revert", "check", "verify", "notify", "postmortem",
    ]  # fmt: skip


def test_harmful_images_wait_for_the_safety_lead_alone_and_published_ones_are_sought() -> None:
    playbook = PLAYBOOKS["image-generator"]
    rule = playbook.rules[0]
    assert (rule.authority, rule.approve_by, rule.quorum) == ("approve", ("safety_lead",), 1)
    (find, _) = [step for step in playbook.steps if isinstance(step, ManualStep)]
    assert find.name == "find-published"
    assert {rule.authority for rule in playbook.rules} == {"approve", "ack"}


def test_augmented_data_is_quarantined_before_its_source_is_reverted_at_one_stroke() -> None:
    playbook = PLAYBOOKS["data-augmentation"]
    names = [step.name for step in playbook.steps]
    assert names.index("stop-training") < names.index("quarantine") < names.index("revert")
    assert [step.stages for step in playbook.steps if isinstance(step, RevertStep)] == [(0,)]
    assert {rule.authority for rule in playbook.rules} == {"ack"}
    assert "customers" not in {step.audience for step in playbook.steps if isinstance(step, NotifyStep)}


TRAFFIC = [
    ("conversational-agent", "unsafe-limit", 100, 3),
    ("conversational-agent", "error-limit", 100, 3),
    ("conversational-agent", "hallucination-limit", 100, 3),
    ("image-generator", "harmful-limit", 200, 10),
    ("image-generator", "failure-limit", 100, 3),
    ("image-generator", "refusal-limit", 10, 3),
    ("image-generator", "skin-tone-limit", 10, 4),
    ("data-augmentation", "label-drift-limit", 50, 3),
    ("data-augmentation", "leakage-limit", 1000, 3),
    ("data-augmentation", "duplicate-limit", 1000, 3),
    ("data-augmentation", "rejection-limit", 1000, 3),
]


@pytest.mark.parametrize(("name", "criterion_id", "per_tick", "times"), TRAFFIC)
def test_a_rate_far_above_its_limit_fires_within_the_detection_window(
    name: str, criterion_id: str, per_tick: int, times: int
) -> None:
    playbook = PLAYBOOKS[name]
    (criterion,) = (one for one in playbook.criteria if one.id == criterion_id)
    fired_after = fires(playbook, criterion, per_tick=per_tick, times=times)
    assert fired_after is not None
    assert criterion.evidence.sustain <= fired_after <= playbook.steps[0].within


def fires(playbook: Playbook, criterion: Criterion, *, per_tick: int, times: int) -> timedelta | None:
    """Return after how long steady traffic at so many times the limit fires a rule, at most the window."""
    assert criterion.signal is not None
    rate = criterion.test.model_dump()["max"] * times
    rules = [rule for rule in playbook.rules if criterion.id in rule.when.any_of]
    watch = Watch(started_at=BEGAN)
    for tick in range(playbook.steps[0].within // playbook.tick):
        seen = {criterion.signal: Totals(bad=int(rate * per_tick * tick), of=per_tick * tick)}
        watch = advance(watch, seen, criteria=[criterion], tick=playbook.tick, keep=10)
        said = breach(watch, criteria=[criterion], rules=rules, firing=(), tick=playbook.tick)
        if said.outcome is Outcome.FIRED:
            return tick * playbook.tick
    return None


def test_every_limit_of_every_playbook_is_tried_with_traffic() -> None:
    limits = {
        (name, one.id) for name, playbook in PLAYBOOKS.items() for one in playbook.criteria if one.signal
    }
    assert {(name, criterion) for name, criterion, _, _ in TRAFFIC} == limits
