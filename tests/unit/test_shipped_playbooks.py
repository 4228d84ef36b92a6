"""The shipped playbooks are complete, sound, and different from each other in substance."""

from __future__ import annotations

import pytest

from adapters.sources.selector import parse_selector
from backout.arming import arming_problems
from backout.counting import Query
from backout.guard import Place
from backout.lint import inspect
from backout.notice_facts import Stage
from backout.notice_samples import sample
from backout.notice_text import drafted
from backout.playbook import Playbook
from backout.requests import DraftNotice
from backout.site import ExpositionSource, PushSource
from backout.steps import DetectStep, NotifyStep
from backout.streams import asked, signal_queries, streams
from demo.service import Counts
from deployment import load_record
from tests.unit.linted import SITE
from tests.unit.shipped import FILES, PLAYBOOKS, ROOT

TEMPLATES = {
    path.relative_to(ROOT / "templates").as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "templates").rglob("*.j2")
}
every_playbook = pytest.mark.parametrize("name", sorted(PLAYBOOKS))


def test_there_is_one_for_each_deployment_context() -> None:
    assert set(PLAYBOOKS) == {"conversational-agent", "image-generator", "data-augmentation"}


@every_playbook
def test_detection_looks_back_where_a_source_of_the_playbook_remembers(name: str) -> None:
    book = PLAYBOOKS[name]
    remembers = any(
        not isinstance(SITE.sources[one.source], ExpositionSource) for one in book.signals.values()
    )
    looks_back = [step.look_back is not None for step in book.steps if isinstance(step, DetectStep)]
    assert looks_back == [remembers]


@every_playbook
def test_lint_has_nothing_to_say_about_it_but_that_a_backtest_on_your_own_traffic_arms_it(name: str) -> None:
    text, record = FILES[name].read_text(encoding="utf-8"), load_record(FILES[name])
    _, findings = inspect(text, file=str(FILES[name]), templates=TEMPLATES, site=SITE, record=record)
    arming = [problem.message for problem in arming_problems(PLAYBOOKS[name], record)]
    assert [finding.message for finding in findings] == arming
    assert bool(arming) == any(rule.authority == "auto" for rule in PLAYBOOKS[name].rules)


@every_playbook
def test_it_goes_from_detection_to_the_postmortem(name: str) -> None:
    kinds = [step.step for step in PLAYBOOKS[name].steps]
    assert kinds[0] == "detect"
    assert kinds[-1] == "postmortem"
    assert {"escalate", "revert", "check", "verify"} < set(kinds)
    assert PLAYBOOKS[name].communications


@every_playbook
def test_its_queries_are_read_by_their_source(name: str) -> None:
    playbook = PLAYBOOKS[name]
    place = Place(service=playbook.release.service, release="2026.11", baseline="2026.10")
    for stream in streams(playbook.guard, place):
        pushed = isinstance(SITE.sources[stream.source], PushSource)
        assert all(parse_selector(query.text, dotted=pushed) for query in stream.queries)
    assert playbook.release.requests is not None
    parse_selector(asked(Query(text=playbook.release.requests.query), place).text)


@every_playbook
def test_its_signals_go_on_counting_without_the_candidate_and_its_requests_are_the_candidates_alone(
    name: str,
) -> None:
    playbook = PLAYBOOKS[name]
    queries = [query for signal in playbook.signals.values() for _, query in signal_queries(signal)]
    assert "$release" not in "".join(queries)
    assert playbook.release.requests is not None
    assert 'release="$release"' in playbook.release.requests.query


def notices(playbook: Playbook) -> set[tuple[str, str]]:
    """Return the templates of all that the playbook tells people, each with its audience."""
    steps = [step for step in playbook.steps if isinstance(step, NotifyStep)]
    by_clock = {(one.template, one.audience) for one in playbook.communications}
    return by_clock | {(step.template, step.audience) for step in steps}


@every_playbook
@pytest.mark.parametrize("stage", Stage)
def test_its_notices_have_a_title_and_say_what_is_true(name: str, stage: Stage) -> None:
    facts = sample(PLAYBOOKS[name], stage)
    for template, audience in notices(PLAYBOOKS[name]):
        told = drafted(DraftNotice(template=template, audience=audience, facts=facts), TEMPLATES)
        assert told.title
        assert told.text
        assert facts.incident.exposure == 0 or "out of service." not in told.text.replace("being taken", "")
        assert stage is Stage.RESOLVED or "the problem is solved" not in told.title + told.text


@every_playbook
def test_one_audience_is_told_by_the_clock_or_by_steps_and_not_by_both(name: str) -> None:
    steps = {step.audience for step in PLAYBOOKS[name].steps if isinstance(step, NotifyStep)}
    assert not steps & {one.audience for one in PLAYBOOKS[name].communications}


def test_every_notice_is_used_by_a_playbook() -> None:
    used = {template for playbook in PLAYBOOKS.values() for template, _ in notices(playbook)}
    assert {name for name in TEMPLATES if name.startswith("notices/")} == {
        f"notices/{template}.md.j2" for template in used
    }


def test_the_conversational_agent_counts_what_the_demos_service_counts() -> None:
    playbook = PLAYBOOKS["conversational-agent"]
    queries = {query for signal in playbook.signals.values() for _, query in signal_queries(signal)}
    assert queries <= {f"{family.name}_total" for family in Counts().registry.collect()}
    assert [step.step for step in playbook.steps] == [
        "detect", "escalate", "revert", "check", "verify", "postmortem",
    ]  # fmt: skip
