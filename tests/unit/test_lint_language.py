"""Static lint of the trigger language: what can never work in it is told at its place."""

from __future__ import annotations

import pytest

from tests.unit.linted import GONE, LANGUAGE, SITE, Changes, found

ROLES = "Known: on_call, commander, safety, product"
RULES = "Known: freeze, critical, severe, combined, nested, bias, drifting"
NAMES = (
    "Known: error-limit, against-baseline, slow-limit, usefulness, engagement, unsafe-limit, language-gap, "
    "one-severe, topic-drift, reported, provider-outage, safety-view.fine, safety-view.worried, "
    "safety-view.stop, safety-view.known"
)


def said(changes: Changes) -> list[tuple[str, str, str]]:
    """Return what lint says of the playbook of the whole language with these changes."""
    return found(changes, text=LANGUAGE)


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


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        (
            {"signals.errors.clock": "labelled"},
            "signals.errors.clock",
            (
                "'labelled' means nothing to a source of the kind prometheus: its counters grow when the "
                "verdict comes, whenever the output was; leave it out"
            ),
        ),
        (
            {"signals.mine.bad": "errors_total", "signals.mine.of": "requests_total"},
            "criteria[1].signal",
            (
                "signal 'mine' counts every release, the baseline too, so both sides move together; "
                'add release="$release" to its queries'
            ),
        ),
        (
            {"criteria.1.test.bad": 'errors_total{release="$release"}'},
            "criteria[1].test.bad",
            (
                'this query of the baseline counts the candidate; write release="$baseline", or '
                'release!="$release" for all the others'
            ),
        ),
        (
            {"criteria.1.test.of": "requests_total"},
            "criteria[1].test.of",
            (
                'this query of the baseline counts every release; write release="$baseline", or '
                'release!="$release" for all the others'
            ),
        ),
        (
            {"signals.topics.of": "sum(asked_total)"},
            "signals.topics.by",
            (
                "the query 'of' adds up over 'topic', which is lost by that; write 'by (topic)' after the "
                "aggregation"
            ),
        ),
        (
            {"criteria.6.signal": "asked"},
            "criteria[6].test.by",
            "the query 'bad' does not select 'language'; each row must give it and its count",
        ),
        (
            {"criteria.5.min_sample": 997},
            "criteria[5].min_sample",
            ("even the best 997 judged outputs could not show that the limit is kept; write 998 at least"),
        ),
        (
            {"criteria.3.test": {"compare": "limit", "min": "10%"}, "criteria.3.min_sample": 1},
            "criteria[3].min_sample",
            "even the best 1 judged outputs could not show that the limit is kept; write 2 at least",
        ),
        (
            {"criteria.7.evidence": {"sustain": "10m"}},
            "criteria[7].evidence",
            "an event needs no evidence; leave it out",
        ),
        (
            {"criteria.9.missing": {"do": "page"}},
            "criteria[9].missing",
            "an alert that does not fire is no missing data; leave it out",
        ),
        (
            {"rules.6.when.any_of.0": "engagement"},
            "rules[6].when",
            "it can never be true: what it needs is in mode 'observe', which weighs in nothing",
        ),
        (
            {"rules.3.when.at_least": 1},
            "rules[3].when.at_least",
            "at least 1 is any of them; write 'any_of'",
        ),
        (
            {"vetoes": GONE},
            "occasions.provider-outage",
            "no condition names the occasion 'provider-outage', so it weighs in nothing; use it or delete it",
        ),
        (
            {"vetoes.0.max_hold": "1d1s"},
            "vetoes[0].max_hold",
            "for 1d1s no rule of this veto would revert, and nobody would be asked; 1d is long",
        ),
        (
            {"vetoes.0.blocks.0": "freeze"},
            "vetoes[0].blocks[0]",
            "rule 'freeze' reverts nothing ('do: hold'), so this only hides what it sees",
        ),
        (
            {"judgments.0.answers": {"worried": "weaker evidence suffices"}},
            "judgments[0].answers",
            "a question with one answer asks nothing; give it a second, such as 'fine: carry on'",
        ),
        (
            {
                "judgments.0.answers": {"fine": "carry on", "odd": "carry on"},
                "rules.4.when.all_of.1.any_of": ["error-limit", "slow-limit"],
            },
            "judgments[0].answers",
            "every answer means to carry on, and no condition names one; the question changes nothing",
        ),
        (
            {
                f"signals.{name}.source": "chat-metrics"
                for name in ("errors", "mine", "slow", "useless", "topics")
            }
            | {"signals.asked.source": "images-metrics", "signals.unsafe.source": "images-metrics"}
            | {"signals.severe.source": "images-metrics", "signals.unsafe.clock": "arrival"}
            | {"signals.asked.bad": "a", "signals.asked.of": "b"},
            "steps[0].look_back",
            "a metrics page remembers nothing, and no signal has another source; leave it out",
        ),
        (
            {"rules.1.when.level": "hold"},
            "rules[1].when.any_of[0]",
            (
                "the mere suspicion of 'unsafe-limit' would revert unasked, once in its false_hold by "
                "mistake; write 'level: revert', or 'authority: ack'"
            ),
        ),
    ],
)
def test_what_is_only_unwise_is_a_warning(changes: Changes, path: str, message: str) -> None:
    told = said(changes)
    assert ("warning", path, message) in told
    assert {severity for severity, _, _ in told} == {"warning"}


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        (
            {"rules.3.when.within": "14s"},
            "rules[3].when.within",
            "within 14s there is no tick (15s), so only now counts; lengthen it or leave it out",
        ),
        (
            {"rules.3.when.at_least": 4},
            "rules[3].when.at_least",
            (
                "4 of these can never be true: they speak of 3 different things, and criteria on one signal "
                "count once; lower it, or add another"
            ),
        ),
        (
            {"rules.3.when.of": ["language-gap", "unsafe-limit"]},
            "rules[3].when.at_least",
            (
                "2 of these can never be true: they speak of 1 different thing, and criteria on one signal "
                "count once; lower it, or add another"
            ),
        ),
        (
            {"rules.1.approve_within": "10m"},
            "rules[1].approve_within",
            "authority 'auto' asks for no approval; write 'authority: approve' or leave this out",
        ),
        (
            {"rules.0.approve_by": ["safety"]},
            "rules[0].approve_by",
            "a rule with 'do: hold' asks nobody, so this means nothing; leave it out",
        ),
        (
            {"rules.6.authority": "auto"},
            "rules[6].authority",
            "a rule with 'do: page' asks nobody, so this means nothing; leave it out",
        ),
        (
            {"rules.2.approve_within": "30m"},
            "rules[2].approve_within",
            (
                "the revert step ends after 30m, before these 30m are over; "
                "shorten this or lengthen the step's within"
            ),
        ),
        (
            {"rules.2.on_timeout": "proceed"},
            "rules[2].on_timeout",
            (
                "a rule cannot proceed: a release that still serves users would pass for reverted. "
                "Choose one of escalate, hold, retry, abort"
            ),
        ),
        (
            {"rules.5.approve_by": ["safety", "safety"]},
            "rules[5].approve_by",
            "after an investigation two roles decide about a revert; name a second one, or leave this out",
        ),
        (
            {"vetoes.0.unless.0": "combined"},
            "vetoes[0].blocks[0]",
            "rule 'combined' is blocked by this veto and ends it; take it out of 'blocks' or of 'unless'",
        ),
        (
            {"vetoes.0.max_hold": "10s"},
            "vetoes[0].max_hold",
            "10s is shorter than a tick (15s), so nobody would see it; lengthen it",
        ),
        (
            {"occasions.provider-outage.lasts": "10s"},
            "occasions.provider-outage.lasts",
            "10s is shorter than a tick (15s), so nobody would see it; lengthen it",
        ),
        (
            {"judgments.0.expires": "10s"},
            "judgments[0].expires",
            "10s is shorter than a tick (15s), so nobody would see it; lengthen it",
        ),
        (
            {"rearm.quiet": "10s"},
            "rearm.quiet",
            "10s is shorter than a tick (15s), so nobody would see it; lengthen it",
        ),
        (
            {"vetoes.0.decide_by": ["on_call"]},
            "vetoes[0].decide_by[0]",
            "role 'on_call' may not approve; add the right under roles.on_call.may, or name another role",
        ),
        (
            {"judgments.0.by": ["product"]},
            "judgments[0].by[0]",
            "role 'product' may not judge; add the right under roles.product.may, or name another role",
        ),
        (
            {"rules.4.when.all_of.1.any_of.1": "safety-view.known"},
            "rules[4].when.all_of[1].any_of[1]",
            "while 'safety-view.known' lasts no rule reverts, so it cannot be a reason to; take it out",
        ),
        (
            {"criteria.3.missing.after": "29s"},
            "criteria[3].missing.after",
            "one slow answer would make it blind: 29s is less than two ticks (30s); lengthen it",
        ),
        *(
            (
                {f"criteria.{number}.evidence": {"sustain": "29s"}},
                f"criteria[{number}].evidence.sustain",
                (
                    "a sustain of 29s needs two ticks at least, and a tick is 15s; "
                    "lengthen sustain or shorten the tick"
                ),
            )
            for number in (0, 1, 3, 6, 8)
        ),
    ],
)
def test_what_cannot_work_is_refused(changes: Changes, path: str, message: str) -> None:
    assert [one for one in said(changes) if one[0] == "error"] == [("error", path, message)]


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
