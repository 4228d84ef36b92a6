"""Labels name the playbook and the release."""

from __future__ import annotations

import pytest

from backout.errors import NoRoute, ReleaseUnreadable, UnknownName
from backout.routing import Routed, route
from backout.site import Route
from tests.gateway.world import PLAYBOOKS, SITE, an_alert

LABELS = {"playbook": "llm-chat", "env": "staging", "release": "r2"}


def routed(labels: dict[str, str], *routes: Route) -> Routed:
    return route(alert=an_alert(labels=labels), routes=routes or SITE.routes, playbooks=PLAYBOOKS)


def test_an_alert_goes_to_the_service_of_its_route_s_playbook() -> None:
    assert routed(LABELS) == Routed(playbook="chat-agent", service="chat", release="r2")


def test_the_first_route_that_matches_wins() -> None:
    general = Route(match={"env": "staging"}, playbook="chat-agent", release_label="version")
    special = Route(match={"playbook": "llm-chat"}, playbook="chat-agent")
    labels = {**LABELS, "version": "v9"}
    assert routed(labels, general, special).release == "v9"
    assert routed(labels, special, general).release == "r2"


@pytest.mark.parametrize(
    "labels",
    [{}, {"playbook": "llm-chat"}, {**LABELS, "env": "production"}, {**LABELS, "env": "staging "}],
    ids=["no labels", "one of two labels", "another value", "almost the value"],
)
def test_a_route_takes_an_alert_only_when_all_its_labels_are_equal(labels: dict[str, str]) -> None:
    with pytest.raises(NoRoute) as refused:
        routed(labels)
    assert str(refused.value) == (
        "No route takes alert 'HallucinationRateHigh'. Correct its labels, or add a route to the site file. "
        "Routes: playbook=llm-chat, env=staging -> chat-agent by label release; "
        "service=painter -> image-generator by label version."
    )


@pytest.mark.parametrize(
    "release",
    [None, "", "a b", "a/b", "../x", "-r2", "r" * 129, "r2\n", "r\u00e9"],
    ids=["absent", "empty", "space", "slash", "path", "option", "too long", "line end", "not ASCII"],
)
def test_a_release_that_cannot_be_one_is_refused(release: str | None) -> None:
    labels = {name: value for name, value in {**LABELS, "release": release}.items() if value is not None}
    with pytest.raises(ReleaseUnreadable, match="label 'release' is"):
        routed(labels)


@pytest.mark.parametrize("mark", list("\"'`\\{}()[]|*?^$,=~!#<>%&;"))
def test_no_release_breaks_out_of_the_query_that_it_is_filled_into(mark: str) -> None:
    with pytest.raises(ReleaseUnreadable, match="1 to 128 letters, digits or"):
        routed({**LABELS, "release": f"r2{mark}or vector(1)"})
    with pytest.raises(ReleaseUnreadable):
        routed({**LABELS, "release": f"r2{mark}"})


@pytest.mark.parametrize("release", ["r2", "chat-2026.11", "v1.2.3+build@sha:0f", "2026_11", "r" * 128])
def test_the_usual_ways_to_name_a_release_are_taken(release: str) -> None:
    assert routed({**LABELS, "release": release}).release == release


def test_a_route_to_a_playbook_that_is_not_loaded_names_those_that_are() -> None:
    with pytest.raises(UnknownName, match=r"Unknown playbook 'image-generator'\. Known: chat-agent"):
        routed({"service": "painter", "version": "r2"})
