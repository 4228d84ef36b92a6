"""The checklist says on paper how the served version is proven, and what becomes of conversations."""

from __future__ import annotations

import pytest

from tests.unit.linted import changed
from tests.unit.papers import lines

SERVED = {
    "step": "served",
    "owner": "on_call",
    "probes": ["chat-1", "edge"],
    "lag": "5m",
    "within": "10m",
    "on_timeout": "escalate",
}


def paper(**revert: object) -> list[str]:
    changes = {"steps.3": dict(SERVED)} | {f"steps.2.{field}": value for field, value in revert.items()}
    return lines(changed(changes))


def test_each_probe_is_a_line_and_so_are_the_sessions_from_before() -> None:
    told = paper()
    for probe in ("chat-1", "edge"):
        assert (
            f"- [ ] Ask `{probe}` until 5m after the last change are over, and then again: "
            "which release answers? ............"
        ) in told
    begin = told.index(
        "- [ ] Begin sessions of your own before the first change; which release answers? ............"
    )
    (first,) = [
        number for number, line in enumerate(told) if line.startswith("- [ ] Set exposure") and "50 %" in line
    ]
    assert begin < first


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("finish", "end where they began, and that no release but that one answers them"),
        ("migrate", "go on at the baseline"),
        ("restart", "are ended, and begin anew at the baseline"),
    ],
)
def test_the_policy_is_said_in_words(policy: str, words: str) -> None:
    assert f"- [ ] See that conversations on the candidate {words}." in paper(conversations=policy)
