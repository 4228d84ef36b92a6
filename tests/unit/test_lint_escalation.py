"""Escalation policies: what lint says of them, and at which place of either of their two forms."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from backout.escalation import Ladder, Policy
from backout.lint import inspect
from backout.playbook_schema import playbook_schema
from tests.unit.linted import SITE, TEMPLATES, TEXT, Changes, errors, found

LADDER = """  ladder:
    levels:
      - {page: [on_call], wait: 5m}
      - {page: [on_call, commander], wait: 10m}
    unanswered: proceed
"""
LONG = TEXT.replace(
    LADDER,
    """  ladder:
    loops: 1
    levels:
      - {page: [on_call], wait: 5m}
      - page:
          - on_call
          - boss
        wait: 10m
""",
)
SHORT = TEXT.replace(
    LADDER,
    """  ladder:
    - {page: [on_call], wait: 5m}
    - {page: [on_call, boss], wait: 10m}
""",
)
PEOPLE = "Known: ann, ben, cleo, dan, eve"


def places(text: str) -> list[tuple[str, str]]:
    """Return the path of each error of a text, and what stands at its place."""
    _, findings = inspect(text, file="complete.yaml", templates=TEMPLATES, site=SITE)
    lines = text.splitlines()
    wrong = [finding for finding in findings if finding.severity == "error"]
    return [(one.path, lines[one.line - 1][one.column - 1 :].split("]")[0]) for one in wrong]


def test_a_problem_is_told_at_its_place_in_the_short_form_and_in_the_long() -> None:
    assert places(SHORT) == [("escalation.ladder[1].page[1]", "boss")]
    assert places(LONG) == [("escalation.ladder.levels[1].page[1]", "boss")]


def test_a_field_that_does_not_fit_is_told_at_its_place_in_the_short_form_and_in_the_long() -> None:
    wrong = "wait: soon"
    assert places(SHORT.replace("wait: 10m", wrong)) == [("escalation.ladder[1].wait", "soon}")]
    assert places(LONG.replace("wait: 10m", wrong)) == [("escalation.ladder.levels[1].wait", "soon")]


def test_editors_take_a_policy_and_its_levels_alone() -> None:
    schema = playbook_schema()
    (either,) = schema["properties"]["escalation"]["patternProperties"].values()
    policy, levels = either["anyOf"]
    assert (policy["$ref"], levels["type"]) == ("#/$defs/Policy", "array")
    assert levels["items"] == {"$ref": "#/$defs/Level"}


def level(**changes: object) -> dict[str, Any]:
    """Return a change of the complete playbook: its first level, with more fields."""
    return {"escalation.ladder.levels.0": {"page": ["on_call"], "wait": "5m", **changes}}


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        (
            level(people=["bne"]),
            "people[0]",
            f"unknown person of the site 'bne'; did you mean 'ben'? {PEOPLE}",
        ),
        (
            level(rotas=["primry"]),
            "rotas[0]",
            "unknown rota of the site 'primry'; did you mean 'primary'? Known: primary, secondary",
        ),
        (
            level(via=["pager"]),
            "via[0]",
            (
                "unknown channel of the site 'pager'. Known: incidents, status-page, support, user-mail, "
                "training-owners, executives, legal, data-leads"
            ),
        ),
        (
            level(hours="ofice"),
            "hours",
            "unknown calendar of the site 'ofice'; did you mean 'office'? Known: office",
        ),
        (level(off_hours="night"), "off_hours", "unknown calendar of the site 'night'. Known: office"),
        (level(people=["ben", "ben"]), "people[1]", "'ben' stands here already; delete it"),
        (
            level(via=["incidents"]),
            "via[0]",
            "'incidents' is the playbook's channel, where every page is posted anyway; leave it out",
        ),
    ],
)
def test_whom_a_level_calls_is_known_and_named_once(changes: dict[str, Any], path: str, message: str) -> None:
    assert errors(changes) == [(f"escalation.ladder.levels[0].{path}", message)]


def test_what_only_a_site_knows_is_not_asked_without_one() -> None:
    assert found(level(people=["x"], rotas=["x"], via=["x"], hours="x"), site=None) == []


NO_ANSWER = (
    "escalation.ladder",
    "nobody whom 'ladder' pages may acknowledge, so none could answer; page another role",
)


@pytest.mark.parametrize(
    ("levels", "known"),
    [
        ([{"people": ["eve"], "wait": "5m"}], [NO_ANSWER]),
        ([{"people": ["eve"], "wait": "5m"}, {"people": ["ann"], "wait": "5m"}], []),
        ([{"rotas": ["primary"], "wait": "5m"}], []),
        ([{"rotas": ["secondary"], "wait": "5m"}], []),
        ([{"page": ["product"], "wait": "5m"}], [NO_ANSWER]),
        ([{"page": ["product"], "people": ["eve"], "wait": "5m"}], [NO_ANSWER]),
    ],
    ids=[
        "a person without the right",
        "one of two has it",
        "those of a rota have it",
        "who is on call elsewhere is not known here",
        "a role without the right",
        "neither role nor person",
    ],
)
def test_somebody_who_is_called_must_be_able_to_answer(
    levels: list[dict[str, Any]], known: list[tuple[str, str]]
) -> None:
    assert errors({"escalation.ladder": levels}) == known


@pytest.mark.parametrize(
    ("policy", "path", "message"),
    [
        (
            {"levels": [{"page": ["on_call"], "hours": "office", "wait": "5m"}]},
            "escalation.ladder",
            (
                "every level is for some hours only, so there may be hours at which nobody is called; "
                "add a level"
            ),
        ),
        (
            {"levels": [{"page": ["on_call"], "wait": "10m"}], "repage": "5m"},
            "escalation.ladder.repage",
            "who acknowledged has less time than the first level has to answer (10m); lengthen it",
        ),
    ],
)
def test_what_is_only_unwise_is_a_warning(policy: dict[str, Any], path: str, message: str) -> None:
    assert ("warning", path, message) in found({"escalation.ladder": policy})


LEVELS = [{"page": ["on_call"], "wait": "5m"}]
ASKED = {"rules.0.authority": "approve"}


@pytest.mark.parametrize(
    ("changes", "policy", "why"),
    [
        ({}, {}, "rule 'critical' reverts by itself"),
        (ASKED, {"repage": "30m"}, "it pages again who owns the incident"),
        (ASKED, {}, None),
        ({}, {"unanswered": "hold"}, None),
        ({}, {"unanswered": "proceed", "repage": "30m"}, None),
        ({"steps.1.policy": "other", "escalation.other": {"levels": LEVELS, "unanswered": "hold"}}, {}, None),
    ],
    ids=[
        "beside an automatic revert",
        "a re-page",
        "a step waits for it",
        "it says what follows",
        "it says that nothing follows",
        "nothing climbs it",
    ],
)
def test_a_ladder_beside_the_steps_that_ends_with_nothing_is_a_warning(
    changes: Changes, policy: dict[str, Any], why: str | None
) -> None:
    told = [
        (severity, message.partition(",")[0])
        for severity, path, message in found({**changes, "escalation.ladder": {"levels": LEVELS, **policy}})
        if path == "escalation.ladder"
    ]
    assert told == ([("warning", why)] if why else [])


def test_hours_and_off_hours_of_one_calendar_leave_no_hour_out() -> None:
    levels = [
        {"page": ["on_call"], "hours": "office", "wait": "5m"},
        {"page": ["commander"], "off_hours": "office", "wait": "5m"},
    ]
    assert found({"escalation.ladder": {"levels": levels, "unanswered": "hold"}}) == []


def test_the_last_level_of_the_last_round_is_paged_before_its_step_ends() -> None:
    twice = {"levels": [{"page": ["on_call"], "wait": "11m"}], "loops": 3}
    assert (
        "steps[1].within",
        (
            "the last level of 'ladder' is paged after 22m in round 3, but the step ends after 20m; lengthen "
            "within or shorten the waits"
        ),
    ) in errors({"escalation.ladder": twice})


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({"levels": []}, "at least 1 item"),
        (
            {"levels": [{"wait": "5m"}]},
            "a level calls nobody; name roles under 'page', or 'people', or 'rotas'",
        ),
        (
            {"levels": [{"page": ["a"], "wait": "5m", "hours": "x", "off_hours": "y"}]},
            "'hours' and 'off_hours' exclude each other",
        ),
        ({"levels": [{"page": ["a"], "wait": "5m"}], "loops": 11}, "less than or equal to 10"),
        ({"levels": [{"page": ["a"], "wait": "5m"}], "loops": 0}, "greater than or equal to 1"),
        (
            {"levels": [{"page": ["a"], "wait": "5m"}], "unanswered": "retry"},
            "'loops' says how often .*; choose one of escalate, hold, proceed, abort",
        ),
    ],
)
def test_a_policy_that_cannot_be_is_none(policy: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Policy.model_validate(policy)


def test_a_ladder_goes_up_and_round_and_ends_where_a_round_was_for_nobody() -> None:
    two = Policy.model_validate({"levels": [{"page": ["a"], "wait": "5m"}] * 2, "loops": 2})
    ladder: Ladder | None = Ladder.model_validate(
        {"policy": "ladder", "level": 1, "until": "2026-01-05T09:00:00Z", "called": 1}
    )
    seen = []
    while ladder:
        seen.append((ladder.round, ladder.level))
        ladder = ladder.above(two)
    assert seen == [(1, 1), (1, 2), (2, 1), (2, 2)]
