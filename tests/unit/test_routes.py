"""Routes: which service they lead to, and which of them lead nowhere."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from backout.alerts import Alert
from backout.errors import InvalidDocument, ServiceUnreadable
from backout.routing import labels_of, route
from backout.site import Route
from cli.starter import write_starter
from deployment import load_deployment, read_site
from tests.gateway.world import PLAYBOOKS

LABELS = {"env": "live", "release": "r2"}


def service_of(one: Route, **labels: str) -> str:
    alert = Alert(
        source="cli",
        fingerprint="f1",
        starts_at=datetime(2026, 1, 5, 9, tzinfo=UTC),
        status="firing",
        name="Bad",
        labels={**LABELS, **labels},
    )
    return route(alert=alert, routes=[one], playbooks=PLAYBOOKS).service


def a_route(**fields: object) -> Route:
    return Route.model_validate({"match": {"env": "live"}, "playbook": "chat-agent", **fields})


def test_the_service_is_the_playbooks_unless_the_route_names_it_or_its_label() -> None:
    assert service_of(a_route(), team="chat-eu") == "chat"
    assert service_of(a_route(service="chat-us"), team="chat-eu") == "chat-us"
    assert service_of(a_route(service_label="team"), team="chat-eu") == "chat-eu"


@pytest.mark.parametrize(
    ("labels", "found"),
    [({}, "absent"), ({"team": ""}, "''"), ({"team": "a/b"}, "'a/b'"), ({"team": "chat\n"}, "n'")],
    ids=["absent", "empty", "a path", "a line end"],
)
def test_a_service_that_cannot_be_one_is_refused_and_no_other_is_taken(
    labels: dict[str, str], found: str
) -> None:
    with pytest.raises(ServiceUnreadable) as refused:
        service_of(a_route(service_label="team"), **labels)
    assert found in str(refused.value)


def test_the_label_of_the_service_is_one_that_routes_look_at() -> None:
    assert labels_of([a_route(service_label="team")]) == {"env", "release", "team"}


def test_a_route_names_its_service_in_one_way() -> None:
    with pytest.raises(ValidationError, match="not both"):
        a_route(service="chat", service_label="team")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write_starter(tmp_path)[0]


def problems(site: Path, *routes: str) -> str:
    head, _, _ = site.read_text().partition("routes:")
    site.write_text(head + "routes:\n" + "".join(f"  - {{{one}}}\n" for one in routes))
    try:
        load_deployment(read_site(site, {}))
    except InvalidDocument as error:
        return str(error)
    return ""


def test_a_route_that_an_earlier_one_hides_is_an_error(site: Path) -> None:
    general = "match: {service: chat}, playbook: conversational-agent"
    special = "match: {service: chat, env: live}, playbook: conversational-agent"
    assert problems(site, special, general) == ""
    assert "routes[1].match: routes[0] takes all of these" in problems(site, general, special)
    assert "routes[1].match: routes[0] takes all of these" in problems(site, general, general)


@pytest.mark.parametrize("named", ["service: shop", "service_label: team"])
def test_a_playbook_is_led_to_no_service_that_it_does_not_look_at(site: Path, named: str) -> None:
    one = f"match: {{env: live}}, playbook: conversational-agent, {named}"
    found = problems(site, one)
    assert f"routes[0].{named.partition(':')[0]}: " in found
    assert "counts 'chat' whatever the service is; write $service into it" in found


def test_a_playbook_whose_queries_name_the_service_may_be_for_several(site: Path) -> None:
    (file,) = site.parent.glob("*playbooks/conversational-agent.yaml")
    text = re.sub(r"(bad|of|events): (chat_\w+)", r"""\1: '\2{service="$service"}'""", file.read_text())
    file.write_text(text.replace('{release="$release"}', '{service="$service",release="$release"}'))
    assert problems(site, "match: {env: live}, playbook: conversational-agent, service_label: team") == ""
