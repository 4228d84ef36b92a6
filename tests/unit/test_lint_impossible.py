"""Static lint refuses what can never work in the trigger language, each at its place and nothing else."""

from __future__ import annotations

import pytest

from tests.unit.linted import Changes, said


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        (
            {"rules.3.when.within": "14s"},
            "rules[3].when.within",
            "within 14s there is no tick (15s), so only now counts; lengthen it or leave it out",
        ),
        (
            {"rearm": {"quiet": "15s", "cooldown": "15s"}},
            "rearm.cooldown",
            (
                "15s is no longer than a tick (15s), so a rule could fire at every tick, and people be "
                "called each time; lengthen it"
            ),
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
            {"rules.2.on_timeout": "go_further"},
            "rules[2].on_timeout",
            (
                "a rule cannot go_further: only a verification shows that less exposure is needed. "
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
