"""How people name an incident."""

from __future__ import annotations

import pytest

from backout.addressing import ListedIncident, find, full_id, only_open
from backout.errors import IncidentAmbiguous, IncidentUnknown, NoOpenIncident
from tests.gateway.world import NINE


def one(short: str, *, closed: bool = False) -> ListedIncident:
    return ListedIncident(
        incident=f"incident/{short}",
        run="run",
        playbook="chat-agent",
        severity="major",
        phase="detect",
        outcome="open",
        status="completed" if closed else "running",
        opened_at=NINE,
        closed_at=NINE if closed else None,
    )


@pytest.mark.parametrize(
    ("text", "incident"),
    [
        ("chat/r2", "incident/chat/r2"),
        ("incident/chat/r2", "incident/chat/r2"),
        ("incident/r2", "incident/incident/r2"),
        ("r2", None),
        ("", None),
    ],
    ids=["service and release", "in full", "a service called incident", "a release", "nothing"],
)
def test_only_a_text_with_service_and_release_is_an_id(text: str, incident: str | None) -> None:
    assert full_id(text) == incident


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("r2", "chat/r2"),
        ("chat", "chat/r2"),
        ("pai", "painter/r20"),
        ("r20", "painter/r20"),
        ("old", "chat/old"),
    ],
    ids=[
        "release",
        "service",
        "beginning",
        "whole before beginning",
        "a closed one where no open one is meant",
    ],
)
def test_a_name_or_its_beginning_finds_the_incident(text: str, short: str) -> None:
    listed = (one("chat/r2"), one("painter/r20"), one("chat/old", closed=True), one("chat/old", closed=True))
    assert find(text, listed) == f"incident/{short}"


def test_an_open_incident_comes_before_a_closed_one_of_the_same_name() -> None:
    assert find("r2", (one("painter/r2", closed=True), one("chat/r2"))) == "incident/chat/r2"


def test_a_name_that_several_have_lists_them() -> None:
    with pytest.raises(IncidentAmbiguous, match=r"'r2' can mean more .* chat/r2, painter/r2\.$"):
        find("r2", (one("painter/r2"), one("chat/r2")))


def test_a_name_that_none_has_is_unknown() -> None:
    with pytest.raises(IncidentUnknown, match="no incident 'r3'"):
        find("r3", (one("chat/r2"),))


def test_without_a_name_the_only_open_incident_is_meant() -> None:
    closed = one("chat/r1", closed=True)
    assert only_open((one("chat/r2"), closed)) == "incident/chat/r2"
    with pytest.raises(NoOpenIncident):
        only_open((closed,))
    with pytest.raises(IncidentAmbiguous, match="chat/r2, painter/r2"):
        only_open((one("painter/r2"), one("chat/r2")))
