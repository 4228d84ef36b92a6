"""What would go wrong with communications is said before the night, at its place."""

from __future__ import annotations

import pytest

from backout.lint import lint
from backout.problems import spell
from tests.unit.linted import SITE, TEMPLATES, changed, found

GOOD: dict[str, object] = {
    "id": "updates",
    "audience": "executives",
    "channel": "status-page",
    "template": "customers",
    "owner": "product",
    "after": "reverting",
    "within": "30m",
    "every": "1h",
    "until": "closed",
}
KNOWN_ROLES = "Known: on_call, commander, product, platform"


def said(*told: dict[str, object], **more: object) -> list[tuple[str, str, str]]:
    """Return what lint says of these communications: severity, path and message."""
    return [one for one in found({"communications": list(told), **more}) if "communications" in one[1]]


def test_a_communication_that_works_is_left_alone() -> None:
    assert said(GOOD) == []


UNKNOWN = {
    "channel": "unknown channel of the site 'nobody'",
    "template": "unknown template in templates/notices/ 'nobody'",
    "owner": "unknown role 'nobody'",
}


@pytest.mark.parametrize("field", UNKNOWN)
def test_an_unknown_name_is_said_with_the_known_ones(field: str) -> None:
    ((severity, path, message),) = said({**GOOD, field: "nobody"})
    assert (severity, path) == ("error", f"communications[0].{field}")
    assert message.startswith(UNKNOWN[field])
    assert "Known: " in message


@pytest.mark.parametrize("field", ["approve_by", "required"])
def test_an_unknown_approver_is_said(field: str) -> None:
    ((_, path, message),) = said({**GOOD, "needs_approval": True, field: ["nobody"]})
    assert path == f"communications[0].{field}[0]"
    assert message.startswith("unknown role 'nobody'")


WRONG: list[tuple[str, dict[str, object], str, str]] = [
    ("it ends where it begins", {"after": "verified", "until": "verified"}, "until", "write closed"),
    ("it ends before it begins", {"after": "verified", "until": "reverted"}, "until", "write closed"),
    ("too little time", {"within": "20s"}, "within", "nobody writes and sends a message within 20s"),
    ("too often", {"every": "2m"}, "every", "nobody reads a message every 2m; write 5m or more"),
    (
        "nobody may approve it",
        {"needs_approval": True, "approve_by": ["on_call"]},
        "approve_by[0]",
        "role 'on_call' may not approve",
    ),
    (
        "too few people",
        {"needs_approval": True, "approve_by": ["product"], "quorum": 3},
        "quorum",
        "a quorum of 3 needs as many distinct people, but 1 can approve (cleo)",
    ),
]


@pytest.mark.parametrize(
    ("changes", "field", "message"), [one[1:] for one in WRONG], ids=[one[0] for one in WRONG]
)
def test_what_could_not_work_is_an_error(changes: dict[str, object], field: str, message: str) -> None:
    ((severity, path, words),) = said({**GOOD, **changes})
    assert (severity, path) == ("error", f"communications[0].{field}")
    assert message in words


def test_what_never_comes_is_an_error() -> None:
    steps = [step.model_dump(mode="json") for step in changed({}).steps if step.step != "verify"]
    found_ = said({**GOOD, "until": "verified"}, steps=steps)
    assert [(path, message) for _, path, message in found_] == [
        (
            "communications[0].until",
            "'verified' never comes: there is no verify step; add one, or choose another moment",
        )
    ]


def test_customers_who_read_what_nobody_has_read_are_a_warning() -> None:
    ((severity, path, message),) = said(
        {**GOOD, "audience": "customers"}, **{"steps.5.audience": "others", "steps.5.name": "notify"}
    )
    assert (severity, path) == ("warning", "communications[0].audience")
    assert message == "nobody reads it before customers do; write 'needs_approval: true'"


def test_an_audience_that_a_step_tells_too_is_a_warning() -> None:
    ((severity, path, message),) = said({**GOOD, "audience": "customers", "needs_approval": True})
    assert (severity, path) == ("warning", "communications[0].audience")
    assert message == "a notify step tells customers too; let one of the two do it"


def test_two_communications_have_two_names() -> None:
    ((_, path, message),) = said(GOOD, {**GOOD, "audience": "support"})
    assert path == "communications[1].id"
    assert message.startswith("the communication name 'updates' is taken by communications[0]")


BROKEN = {
    "a name that is unknown": ("# T\n{{ facts.nothing }}", "at stage 'investigating': Template"),
    "at one stage only": (
        '# T\n{% if facts.stage.value == "closed" %}{{ nothing }}{% else %}x{% endif %}',
        "at stage 'closed': Template",
    ),
    "no text": ("# Only a title", "at stage 'investigating' it has no text"),
    "the syntax": ("# T\n{% if %}", "at stage 'investigating': Template"),
    "the sandbox": ("# T\n{{ ''.__class__ }}", "at stage 'investigating': Template"),
}


@pytest.mark.parametrize("why", BROKEN)
@pytest.mark.parametrize("told_by", ["communications", "steps"])
def test_a_template_that_would_break_in_the_night_is_an_error_where_it_is_named(
    why: str, told_by: str
) -> None:
    text, message = BROKEN[why]
    changes: dict[str, object] = {"steps.5.template": "support"}
    if told_by == "communications":
        changes = {"communications": [{**GOOD, "template": "support"}]}
    templates = {**TEMPLATES, "notices/support.md.j2": text}
    problems = lint(changed(changes), templates=templates, site=SITE)
    place = "communications[0].template" if told_by == "communications" else "steps[5].template"
    (problem,) = [one for one in problems if spell(one.path) == place]
    assert problem.severity == "error"
    assert problem.message.startswith(message)
