"""Static lint refuses what cannot work, and says what to do; a sound playbook it passes in silence."""

from __future__ import annotations

import pytest

from backout.errors import InvalidDocument
from backout.lint import checked_playbook, inspect
from backout.yaml_text import load_playbook
from tests.unit.linted import GONE, SITE, TEMPLATES, TEXT, Changes, found
from tools.made_up_record import made_up_record

ROLES = "Known: on_call, commander, product"
CRITERIA = "Known: error-limit, gap-limit, reported"
SOURCES = "Known: chat-metrics, images-metrics, augment-metrics, prometheus, labels, moderation"
TARGETS = "Known: chat-exposure, images-exposure, augment-exposure"
CHANNELS = "Known: incidents, status-page, support, user-mail, training-owners, executives, legal, data-leads"
CHECKS = (
    "Known: served-version, prompt-cache-purged, result-cache-purged, moderation-model-pinned, "
    "quarantine-complete, lineage-closed"
)


def test_a_sound_playbook_is_passed_in_silence() -> None:
    assert found({}) == []
    assert found({}, site=None) == []


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({"steps.6.name": "notify"}, "steps[6].name", "the step name 'notify' is taken by steps[5]; {name}"),
        (
            {"criteria.2.id": "gap-limit"},
            "criteria[2].id",
            "the criterion name 'gap-limit' is taken by criteria[1]; {id}",
        ),
        ({"rules.1.id": "critical"}, "rules[1].id", "the rule name 'critical' is taken by rules[0]; {id}"),
    ],
)
def test_a_name_that_is_taken_is_an_error(changes: Changes, path: str, message: str) -> None:
    message = message.replace("{name}", "write 'name: ' with another").replace(
        "{id}", "write 'id: ' with another"
    )
    assert ("error", path, message) in found(changes)


@pytest.mark.parametrize(
    ("path", "name", "message"),
    [
        ("steps.0.owner", "oncall", f"unknown role 'oncall'; did you mean 'on_call'? {ROLES}"),
        ("escalation.ladder.levels.1.page.1", "boss", f"unknown role 'boss'. {ROLES}"),
        ("rules.2.approve_by.0", "boss", f"unknown role 'boss'. {ROLES}"),
        (
            "steps.1.policy",
            "lader",
            "unknown escalation policy 'lader'; did you mean 'ladder'? Known: ladder",
        ),
        ("criteria.0.signal", "error", "unknown signal 'error'; did you mean 'errors'? Known: errors, gap"),
        ("rules.1.when.any_of.0", "x", f"unknown criterion 'x'. {CRITERIA}"),
        (
            "steps.5.template",
            "status",
            "unknown template in templates/notices/ 'status'. Known: customers, support",
        ),
        ("steps.7.template", "page", "unknown template in templates/postmortem/ 'page'. Known: standard"),
        (
            "channel",
            "incident",
            f"unknown channel of the site 'incident'; did you mean 'incidents'? {CHANNELS}",
        ),
        ("steps.5.channel", "X", f"unknown channel of the site 'X'. {CHANNELS}"),
        ("signals.gap.source", "logs", f"unknown source of the site 'logs'. {SOURCES}"),
        ("release.requests.source", "logs", f"unknown source of the site 'logs'. {SOURCES}"),
        ("steps.2.target", "flag", f"unknown target of the site 'flag'. {TARGETS}"),
        ("steps.3.checks.0", "ping", f"unknown check of the site 'ping'. {CHECKS}"),
        (
            "signals.errors.bad",
            'errors{release="$relase"}',
            "unknown placeholder 'relase'; did you mean 'release'? Known: service, release, baseline",
        ),
        (
            "signals.gap.of",
            "cost_in_$",
            "a '$' begins a placeholder; write one of $service, $release, $baseline, or leave it out",
        ),
    ],
)
def test_an_unknown_name_is_an_error_with_the_known_ones(path: str, name: str, message: str) -> None:
    problems = [
        (severity, where.replace("[", ".").replace("]", ""), said)
        for severity, where, said in found({path: name})
    ]
    assert ("error", path, message) in problems


def test_names_of_the_site_are_not_asked_for_without_a_site() -> None:
    paths = ("channel", "steps.2.target", "steps.3.checks.0", "signals.gap.source", "steps.5.channel")
    assert found(dict.fromkeys(paths, "unknown"), site=None) == []


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        (
            {"rules.1.when.any_of.0": "error-limit"},
            "criteria[2].id",
            "no rule uses criterion 'reported', so it does nothing; name it in a rule or delete it",
        ),
        (
            {"rules.2.when.any_of.0": "reported"},
            "criteria[1].id",
            (
                "no rule uses criterion 'gap-limit', so it can only delay recovery; "
                "name it in a rule or delete it"
            ),
        ),
        (
            {"criteria.1.signal": "errors"},
            "signals.gap",
            "no criterion tests signal 'gap'; add one or delete it",
        ),
        (
            {"release.requests.query": "requests_total"},
            "release.requests.query",
            'it counts every release; add release="$release" to count what the candidate alone has served',
        ),
        (
            {"steps.2.stages": [50, 5]},
            "steps[2].stages[1]",
            "the last stage leaves 5 % on a bad release; end with 0 to take all of it off",
        ),
        (
            {"criteria.1.evidence.sustain": "15m15s"},
            "criteria[1].evidence.sustain",
            (
                "a sustain of 15m15s has 61 ticks, so each weighs little: a moderate rise may never fire "
                "where a tick brings few outputs; lengthen the tick"
            ),
        ),
        ({"steps.6.owner": "product"}, "steps[6].owner", "its owner 'product' may not tick it"),
        (
            {"steps.1": GONE},
            "rules[1].authority",
            "'ack' waits for people, but no escalate step before the revert calls them",
        ),
    ],
)
def test_what_is_only_unwise_is_a_warning(changes: Changes, path: str, message: str) -> None:
    problems = found(changes)
    assert ("warning", path, message) in problems
    assert {severity for severity, _, _ in problems} == {"warning"}


def test_a_warning_does_not_refuse_a_playbook() -> None:
    text = TEXT.replace("[50, 10, 0]", "[50, 10]")
    playbook = checked_playbook(text, file="complete.yaml", templates=TEMPLATES, site=SITE)
    assert playbook.steps[2].name == "revert"


def test_a_playbook_is_called_like_its_file() -> None:
    with pytest.raises(InvalidDocument) as caught:
        checked_playbook(TEXT, file="some/where/other.yaml", templates=TEMPLATES, site=SITE)
    said = "the playbook is called 'complete' but its file 'other'; make them equal"
    assert caught.value.problems == (f"some/where/other.yaml:2:11: playbook: {said}",)


def test_problems_are_told_at_their_places_in_the_order_of_the_text() -> None:
    text = TEXT.replace("policy: ladder", "policy: stairs").replace("signal: errors", "signal: error")
    record = made_up_record(load_playbook(text, file="complete.yaml"))
    _, findings = inspect(text, file="complete.yaml", templates=TEMPLATES, site=SITE, record=record)
    lines = text.splitlines()
    at = [lines[finding.line - 1][finding.column - 1 :].split(",")[0] for finding in findings]
    assert at == ["errors: {kind: ratio", "error", "stairs"]
    assert [finding.severity for finding in findings] == ["warning", "error", "error"]
    assert findings[0].text.startswith("complete.yaml:14:3: warning: signals.errors: no criterion tests")


def test_an_automatic_rule_without_a_backtest_beside_it_is_a_warning_at_its_authority() -> None:
    _, findings = inspect(TEXT, file="complete.yaml", templates=TEMPLATES, site=SITE)
    assert [(finding.path, finding.severity) for finding in findings] == [("rules[0].authority", "warning")]
    record = made_up_record(load_playbook(TEXT, file="complete.yaml"))
    assert inspect(TEXT, file="complete.yaml", templates=TEMPLATES, site=SITE, record=record)[1] == ()


def test_a_text_whose_fields_are_wrong_is_not_judged_further() -> None:
    text = TEXT.replace("tick: 15s", "tick: 15")
    playbook, findings = inspect(text, file="x.yaml", templates={}, site=SITE)
    assert playbook is None
    assert [finding.path for finding in findings] == ["tick"]
