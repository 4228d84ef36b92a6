"""Static lint of the trigger language: what can never work in it is told at its place."""

from __future__ import annotations

import pytest

from tests.unit.linted import GONE, LANGUAGE, SITE, Changes, found, said

ROLES = "Known: on_call, commander, safety, product"
RULES = "Known: freeze, critical, severe, combined, nested, bias, drifting"
NAMES = (
    "Known: error-limit, against-baseline, slow-limit, usefulness, engagement, unsafe-limit, language-gap, "
    "one-severe, topic-drift, reported, provider-outage, safety-view.fine, safety-view.worried, "
    "safety-view.stop, safety-view.known"
)


def test_the_whole_language_is_passed_in_silence() -> None:
    assert said({}) == []
    assert found({}, site=None, text=LANGUAGE) == []


@pytest.mark.parametrize(
    ("path", "name", "message"),
    [
        (
            "rules.3.when.of.1",
            "useful",
            f"unknown name in a condition 'useful'; did you mean 'usefulness'? {NAMES}",
        ),
        (
            "rules.4.when.all_of.1.any_of.1",
            "safety-view.angry",
            f"unknown name in a condition 'safety-view.angry'; did you mean 'safety-view.fine'? {NAMES}",
        ),
        (
            "vetoes.0.when.any_of.0",
            "outage",
            f"unknown name in a condition 'outage'. {NAMES}",
        ),
        ("vetoes.0.blocks.1", "bais", f"unknown rule 'bais'; did you mean 'bias'? {RULES}"),
        ("vetoes.0.unless.0", "slow-limit", f"unknown rule 'slow-limit'. {RULES}"),
        ("vetoes.0.decide_by.0", "boss", f"unknown role 'boss'. {ROLES}"),
        ("judgments.0.by.0", "safty", f"unknown role 'safty'; did you mean 'safety'? {ROLES}"),
        ("rules.5.approve_by.1", "boss", f"unknown role 'boss'. {ROLES}"),
        (
            "criteria.1.test.bad",
            'errors{release="$basline"}',
            "unknown placeholder 'basline'; did you mean 'baseline'? Known: service, release, baseline",
        ),
        (
            "signals.slow.value",
            "latency${region}",
            "unknown placeholder 'region'. Known: service, release, baseline",
        ),
        (
            "signals.asked.bad",
            "select count(*) from asked where release = :relase and seen_at <= :at",
            "unknown placeholder 'relase'; did you mean 'release'? Known: service, release, baseline, at",
        ),
        (
            "signals.asked.of",
            "select count(*) from asked where release = '$release'",
            "a database is given its values apart from the text; write :release where you wrote $release",
        ),
    ],
)
def test_an_unknown_name_is_an_error_at_its_place(path: str, name: str, message: str) -> None:
    told = [
        (severity, at.replace("[", ".").replace("]", ""), what) for severity, at, what in said({path: name})
    ]
    assert ("error", path, message) in told


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        (
            {"criteria.0.id": "provider-outage"},
            "occasions.provider-outage",
            "the criterion name 'provider-outage' is taken by criteria[0]; give it another",
        ),
        (
            {"criteria.0.id": "safety-view.fine"},
            "judgments[0].answers.fine",
            "the criterion name 'safety-view.fine' is taken by criteria[0]; give it another",
        ),
        (
            {
                "vetoes.1": {
                    "id": "provider",
                    "when": {"any_of": ["provider-outage"]},
                    "blocks": ["combined"],
                    "decide_by": ["safety"],
                }
            },
            "vetoes[1].id",
            "the veto name 'provider' is taken by vetoes[0]; write 'id: ' with another",
        ),
        (
            {
                "judgments.1": {
                    "id": "safety-view",
                    "by": ["safety"],
                    "ask": "And?",
                    "expires": "1h",
                    "answers": {"yes": "hold off", "no": "carry on"},
                }
            },
            "judgments[1].id",
            "the judgment name 'safety-view' is taken by judgments[0]; write 'id: ' with another",
        ),
    ],
)
def test_a_name_that_conditions_or_people_use_is_given_once(
    changes: Changes, path: str, message: str
) -> None:
    assert ("error", path, message) in said(changes)


RATES = "compare it by limit or reference or baseline or gap, or test another signal"


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        (
            {"criteria.0.test": {"compare": "event"}},
            "criteria[0].test.compare",
            f"'event' needs a signal of the kind event, and 'errors' is of the kind ratio; {RATES}",
        ),
        (
            {"criteria.0.signal": "severe"},
            "criteria[0].test.compare",
            (
                "'limit' needs a signal of the kind ratio or above or below, and 'severe' is of the kind "
                "event; compare it by event, or test another signal"
            ),
        ),
        (
            {"criteria.8.signal": "slow"},
            "criteria[8].test.compare",
            f"'drift' needs a signal of the kind distribution, and 'slow' is of the kind above; {RATES}",
        ),
        (
            {"criteria.6.signal": "topics"},
            "criteria[6].test.compare",
            (
                "'gap' needs a signal of the kind ratio or above or below, and 'topics' is of the kind "
                "distribution; compare it by drift, or test another signal"
            ),
        ),
        (
            {"signals.unsafe.bad": 'unsafe{language="de"}'},
            "criteria[6].test.by",
            "the query 'bad' asks for one 'language' only, so there is nothing to hold it against",
        ),
        (
            {"signals.slow.source": "moderation"},
            "signals.slow.kind",
            (
                "a source of the kind push holds counts and no values, so it cannot tell how many are above; "
                "count them where they are made, and use 'kind: ratio'"
            ),
        ),
    ],
)
def test_a_test_that_cannot_weigh_its_signal_is_refused(changes: Changes, path: str, message: str) -> None:
    assert ("error", path, message) in said(changes)


def test_what_just_works_is_let_pass() -> None:
    limits: Changes = {
        "rules.3.when.within": "15s",
        "rules.3.when.at_least": 3,
        "rules.2.approve_within": "29m",
        "vetoes.0.max_hold": "1d",
        "occasions.provider-outage.lasts": "15s",
        "rearm.quiet": "15s",
        "criteria.3.missing.after": "30s",
        "criteria.3.evidence": {"sustain": "30s"},
        "criteria.5.min_sample": 998,
    }
    assert said(limits) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"signals.topics.of": "sum by (topic) (asked_total)"},
        {"signals.asked.of": "select language, count(*) from asked group by language"},
        {"judgments.0.answers": {"fine": "carry on", "worried": "carry on"}},
        {"vetoes.0.when.any_of": ["language-gap"], "vetoes.0.when.level": "hold", "occasions": GONE},
        {"rules.2.approve_within": GONE},
        {"criteria.4.signal": "unsafe", "signals.asked": GONE},
    ],
    ids=[
        "an aggregation that keeps the label",
        "a select of the cohort and its count",
        "answers that weigh in a condition alone",
        "a veto on a suspicion",
        "silence until the step ends",
        "two criteria on one signal",
    ],
)
def test_what_makes_sense_is_let_pass(changes: Changes) -> None:
    assert said(changes) == []


def test_people_of_the_site_fill_the_roles_that_judge_and_decide() -> None:
    dan = SITE.people["dan"].model_copy(update={"roles": ("safety_lead",)})
    site = SITE.model_copy(update={"people": {**SITE.people, "dan": dan}})
    told = found({}, site=site, text=LANGUAGE)
    assert (
        "error",
        "roles.safety",
        "nobody fills the role 'safety'; give it to a person of the site file, or delete it",
    ) in told
