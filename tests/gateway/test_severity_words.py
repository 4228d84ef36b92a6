"""How people say the new acts, in Slack and in a shell: severity, override and broken glass."""

from __future__ import annotations

import pytest

from backout.commands import Meant, act_of, address, parse
from backout.errors import CommandUnreadable, IncidentUnknown
from backout.people import Action
from backout.severity import Severity
from tests.gateway.test_addressing import one
from tests.gateway.world import ALICE

LISTED = (one("chat/r2"),)
SAID: dict[str, Meant] = {
    "severity critical children see it": Meant(
        incident="incident/chat/r2", severity=Severity.CRITICAL, text="children see it"
    ),
    "severity chat/r2 MINOR few": Meant(incident="incident/chat/r2", severity=Severity.MINOR, text="few"),
    "severity chat minor": Meant(incident="incident/chat/r2", severity=Severity.MINOR),
    "severity minor minor it is": Meant(incident="incident/minor/r9", severity=Severity.MINOR, text="it is"),
    "override chat 4f1a2b3c no answer": Meant(
        incident="incident/chat/r2", subject="4f1a2b3c", text="no answer"
    ),
    "break-glass 4f1a2b3c no answer": Meant(
        incident="incident/chat/r2", subject="4f1a2b3c", text="no answer"
    ),
}


@pytest.mark.parametrize("text", SAID)
def test_the_words_mean(text: str) -> None:
    listed = (one("minor/r9"),) if text == "severity minor minor it is" else LISTED
    assert address(parse(text), listed) == SAID[text]


@pytest.mark.parametrize(
    "text", ["severity", "severity chat/r2", "severity chat/r2 awful it is", "severity bad"]
)
def test_a_severity_is_one_of_three(text: str) -> None:
    with pytest.raises(CommandUnreadable, match="Say how bad it is, critical, major, minor: severity"):
        parse(text)


def test_a_mistyped_incident_is_no_severity() -> None:
    with pytest.raises(IncidentUnknown):
        address(parse("severity chta-7 critical it is"), LISTED)


def test_the_act_has_the_severity() -> None:
    command = parse("severity chat/r2 major more see it")
    act = act_of(command, Action.SEVERITY, address(command, ()), act_id="t1", actor=ALICE)
    assert (act.action, act.severity, act.reason) == (Action.SEVERITY, Severity.MAJOR, "more see it")
