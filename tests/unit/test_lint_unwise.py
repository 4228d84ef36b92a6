"""Static lint warns of what works in the trigger language and is unwise, each at its place."""

from __future__ import annotations

import pytest

from tests.unit.linted import GONE, Changes, said


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
