"""The checklist shows all of an escalation policy: whom to call, by what, when, and what silence means."""

from __future__ import annotations

from typing import Any

import pytest

from backout.checklist import render
from tests.unit.linted import changed

WHOLE = {
    "levels": [
        {"rotas": ["primary"], "via": ["pager", "mail"], "wait": "5m"},
        {"page": ["on_call"], "people": ["cleo"], "hours": "office", "wait": "10m"},
        {"page": ["commander"], "off_hours": "office", "wait": "10m"},
    ],
    "loops": 2,
    "repage": "45m",
    "unanswered": "hold",
}


def section(policy: Any) -> list[str]:  # noqa: ANN401  # either form
    """Return the lines of the policy's section."""
    text = render(
        changed({"escalation.ladder": policy}), members={"on_call": ("Ann",), "commander": ("Ben",)}
    )
    return text.partition("## Escalation policy ladder\n")[2].partition("\n## ")[0].strip().splitlines()


def test_each_level_says_whom_it_calls_how_and_at_which_hours() -> None:
    assert section(WHOLE)[2:7] == [
        "| Level | After | Page | They have | Paged at |",
        "| --- | --- | --- | --- | --- |",
        "| 1 | at once | on call by primary: ............; also by pager, mail | 5m | ............ |",
        "| 2 | 5m | on_call (Ann), cleo; only in the hours of office | 10m | ............ |",
        "| 3 | 15m | commander (Ben); only outside the hours of office | 10m | ............ |",
    ]


def test_it_says_what_comes_after_the_last_level_and_after_an_acknowledgement() -> None:
    assert section(WHOLE)[8:13] == [
        "- A level that is not for this hour is passed over: page the next one at once.",
        "- Every page is posted in `incidents`, whatever else it goes out by.",
        "- Nobody answers: begin again with level 1, 2 rounds in all (50m).",
        "- Acknowledged, still firing after 45m: page whoever is on call then, from level 1 on.",
        "- Nobody answered at all: **hold**: stop until a person decides.",
    ]


def test_a_short_policy_leaves_the_end_to_the_step() -> None:
    told = section([{"page": ["on_call"], "wait": "5m"}])
    assert [line for line in told if line.startswith("- ")] == [
        "- Nobody answered at all: as the step says that pages by it."
    ]


@pytest.mark.parametrize("move", ["escalate", "hold", "proceed", "abort"])
def test_every_end_has_its_meaning(move: str) -> None:
    policy = {"levels": [{"page": ["on_call"], "wait": "5m"}], "unanswered": move}
    (told,) = (line for line in section(policy) if "answered at all" in line)
    assert told.startswith(f"- Nobody answered at all: **{move}**: ")
