"""A condition, a test or a judgment that does not fit is told once, with its place and what would fit."""

from __future__ import annotations

import pytest

from backout.errors import InvalidDocument
from backout.yaml_text import load_playbook
from tests.unit.marked import A_NAME, PLAYBOOK, changed

A_CONDITION = (
    "a condition is exactly one of 'any_of: [...]', 'all_of: [...]' and 'at_least: 2' with 'of: [...]'"
)
KEYS = "Known: any_of, all_of, at_least, level, within, of"


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("{»any: [reported]}", f"rules[1].when.any: unknown field 'any'; did you mean 'any_of'? {KEYS}"),
        (
            "{»anyof: [reported], level: hold}",
            f"rules[1].when.anyof: unknown field 'anyof'; did you mean 'any_of'? {KEYS}",
        ),
        (
            "{any_of: [reported, {all_of: [reported, {»some_of: [reported]}]}]}",
            f"rules[1].when.any_of[1].all_of[1].some_of: unknown field 'some_of'. {KEYS}",
        ),
        (
            "{at_least: 1, of: [reported], »levl: hold}",
            (
                "rules[1].when.levl: unknown field 'levl'; did you mean 'level'? Known: level, within, "
                "at_least, of"
            ),
        ),
        (
            "{any_of: [reported], »of: [reported]}",
            "rules[1].when.of: unknown field 'of'. Known: level, within, any_of",
        ),
        ("»{at_least: 2}", "rules[1].when.of: missing"),
        ("»{}", f"rules[1].when: {A_CONDITION}; found a mapping"),
        ("»[reported]", f"rules[1].when: {A_CONDITION}; found a list"),
        ("»reported", f"rules[1].when: {A_CONDITION}; found 'reported'"),
        ("»{of: [reported]}", f"rules[1].when: {A_CONDITION}; found a mapping of of"),
        (
            "»{any_of: [reported], all_of: [reported]}",
            f"rules[1].when: {A_CONDITION}; found a mapping of any_of, all_of",
        ),
        ("{any_of: »[]}", "rules[1].when.any_of: needs at least 1 of its items, found none"),
        ("{any_of: »reported}", "rules[1].when.any_of: expected a list, found 'reported'"),
        ("{any_of: [reported, »2 bad]}", f"rules[1].when.any_of[1]: '2 bad' is not a name: {A_NAME}"),
        (
            "{any_of: [reported, »7]}",
            "rules[1].when.any_of[1]: expected text, found the number 7; put it in quotes",
        ),
        ("{any_of: [»[reported]]}", "rules[1].when.any_of[0]: expected text, found a list"),
        (
            "{at_least: »0, of: [reported]}",
            "rules[1].when.at_least: expected 1 or more, found the number 0",
        ),
        (
            "{any_of: [reported], level: »maybe}",
            "rules[1].when.level: unknown value 'maybe'. Known: hold, revert",
        ),
    ],
)
def test_a_wrong_condition_is_told_once_at_its_place_and_by_the_keys_that_it_has(
    written: str, problem: str
) -> None:
    text, place = changed(PLAYBOOK, "{any_of: [reported]}", written)
    with pytest.raises(InvalidDocument) as caught:
        load_playbook(text, file="p.yaml")
    assert caught.value.problems == (f"p.yaml:{place}: {problem}",)


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (
            "{compare: limit, »max: 1%, min: 1%}",
            "a limit is given by exactly one of 'max' and 'min'",
        ),
        ("{compare: limit, max: »0}", ".max: '0' is not a rate strictly between 0 and 1"),
        ("{compare: limit, max: ».nan}", ".max: 'nan' is not a rate strictly between 0 and 1"),
        (
            "{compare: gap, by: language, max_ratio: »0.5}",
            ".max_ratio: expected 1 or more, found the number 0.5",
        ),
        (
            "{compare: gap, by: language, max_ratio: ».inf}",
            ".max_ratio: expected 1000 or less, found the number inf",
        ),
        (
            "{compare: reference, usual: 6%, max_ratio: »1}",
            ".max_ratio: expected more than 1, found the number 1",
        ),
        (
            "»{compare: reference, usual: 60%, max_ratio: 2}",
            ": 2 times 0.6 is no rate below 1; lower max_ratio",
        ),
        (
            "»{compare: drift, reference: {a: 0.5, b: 0.4}, max_rise: 10%}",
            ": the shares of the reference add up to 0.9, not to 1",
        ),
        (
            "{compare: »limt, max: 1%}",
            (
                ".compare: unknown compare 'limt'; did you mean 'limit'? "
                "Known: limit, reference, baseline, gap, drift, event, alert"
            ),
        ),
    ],
)
def test_numbers_that_a_test_cannot_have_are_told_at_their_place(written: str, problem: str) -> None:
    text, place = changed(PLAYBOOK, "{compare: limit, max: 5%}", written)
    with pytest.raises(InvalidDocument) as caught:
        load_playbook(text, file="p.yaml")
    (told,) = caught.value.problems
    assert told.startswith(f"p.yaml:{place.split(':')[0]}:")
    assert told.endswith(problem)
    assert "criteria[1].test" in told


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "evidence: {sustain: 10m}",
            "evidence: »{false_alarm: 1d, false_hold: 2d}",
            (
                "criteria[1].evidence: false_hold is longer than false_alarm: suspicion must need less "
                "evidence than a revert"
            ),
        ),
        (
            "evidence: {sustain: 10m}",
            "missing: {after: »soon}",
            (
                "criteria[1].missing.after: 'soon' is not a duration. Write a number with its unit, such "
                "as 15s, 5m, 1h30m or 5d"
            ),
        ),
        (
            "remind: 15m",
            "rearm: »{quiet: 2h}\nremind: 15m",
            "rearm: quiet is longer than cooldown, so cooldown would mean nothing; lengthen it",
        ),
        (
            "remind: 15m",
            "judgments: [{id: a, by: [b], ask: c, expires: 1h, answers: {yes: »go on}}]\nremind: 15m",
            (
                "judgments[0].answers.yes: unknown value 'go on'. "
                "Known: carry on, weaker evidence suffices, revert now, hold off"
            ),
        ),
        (
            "{kind: ratio, family: fairness, source: chat-metrics, bad: gap_total, of: requests_total}",
            "{kind: above, family: fairness, source: chat-metrics, value: v, than: ».inf}",
            "signals.gap.than: expected a finite number, found the number inf",
        ),
        (
            "{any_of: [gap-limit]}",
            "{any_of: [gap-limit]}, do: »pause",
            (
                "rules[2].do: unknown value 'pause'; did you mean 'page'? Known: revert, hold, page, "
                "pause_and_investigate"
            ),
        ),
    ],
)
def test_what_weighs_on_the_rules_is_told_at_its_place_too(old: str, new: str, problem: str) -> None:
    text, place = changed(PLAYBOOK, old, new)
    with pytest.raises(InvalidDocument) as caught:
        load_playbook(text, file="p.yaml")
    assert caught.value.problems == (f"p.yaml:{place}: {problem}",)
