"""The addresses and names of a site file: no secret in clear, no placeholder where nothing is filled in."""

from __future__ import annotations

from pathlib import Path

import pytest

from backout.errors import InvalidDocument
from backout.yaml_text import load_site

SITE = (Path(__file__).parent / "data" / "site.yaml").read_text(encoding="utf-8")
TOKEN = "token: {env: TOKEN}"
BASIC = "basic: {user: me, password: {env: PASSWORD}}"
FLAG = "kind: flagd-file, path: chat.json, flag: chat"
HTTP = "kind: http"
MLFLOW = "kind: mlflow, alias: live, baseline: v1"
ROUTE = f"kind: httproute, namespace: chat, route: chat, baseline: stable, {TOKEN}"
UNLEASH = f"kind: unleash, environment: production, {TOKEN}"
HAPROXY = "kind: haproxy, socket: 'h:1', backend: chat, baseline: stable"


def site_with(section: str, part: str) -> str:
    return SITE.replace(f"\n{section}:\n", f"\n{section}:\n  new: {{{part}}}\n")


def refused(section: str, part: str) -> str:
    with pytest.raises(InvalidDocument) as caught:
        load_site(site_with(section, part), file="site.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("section", "part"),
    [
        ("targets", f"{HTTP}, url: 'http://flags.example/$release', {TOKEN}"),
        ("targets", f"{UNLEASH}, url: 'http://flags.example', feature: chat"),
        ("targets", f"{ROUTE}, url: 'http://cluster.example'"),
        ("targets", f"{MLFLOW}, url: 'http://mlflow.example', model: chat, {TOKEN}"),
        ("sources", f"kind: prometheus, url: 'http://numbers.example', timeout: 2s, {TOKEN}"),
        ("sources", f"kind: exposition, url: 'http://numbers.example', timeout: 2s, {TOKEN}"),
        ("rotas", f"kind: opsgenie, url: 'http://calls.example', schedule: s, timeout: 2s, {TOKEN}"),
        ("channels", f"kind: slack, channel: C1, api: 'http://slack.example', {TOKEN}"),
    ],
    ids=["http", "unleash", "httproute", "mlflow", "prometheus", "a metrics page", "a rota", "a channel"],
)
def test_a_token_is_not_sent_in_clear_to_another_machine(section: str, part: str) -> None:
    assert f"{section}.new" in (said := refused(section, part))
    assert "the token would be sent for all to read; write https://" in said


def test_a_password_is_not_sent_in_clear_either() -> None:
    said = refused("targets", f"{MLFLOW}, url: 'http://mlflow.example', model: chat, {BASIC}")
    assert "targets.new.url: the password would be sent for all to read" in said


@pytest.mark.parametrize("url", ["https://flags.example", "http://127.0.0.1:4242", "http://localhost:4242"])
def test_a_token_may_go_to_this_machine_or_over_tls(url: str) -> None:
    site = load_site(
        site_with("targets", f"{UNLEASH}, url: '{url}', feature: 'x-$release'"), file="site.yaml"
    )
    assert "new" in site.targets


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (
            f"{HAPROXY}, candidate: 'chat-{{release}}'",
            "candidate: '{release}' is not filled in; write $release",
        ),
        (
            f"{HTTP}, url: 'https://h/$release/{{service}}'",
            "url: '{service}' is not filled in; write $service",
        ),
        (f"{MLFLOW}, url: 'https://h/$release', model: m", "url: unknown placeholder 'release'. Known: none"),
        (
            f"{MLFLOW}, url: 'https://h', model: 'm-$service'",
            "model: unknown placeholder 'service'. Known: none",
        ),
        (f"{FLAG}, baseline: '{{release}}'", "baseline: unknown placeholder 'release'. Known: none"),
        (f"{FLAG}-$release, baseline: old", "flag: unknown placeholder 'release'. Known: none"),
        (
            f"{UNLEASH}, url: 'https://h', feature: f, project: $service",
            "project: unknown placeholder 'service'. Known: none",
        ),
        (
            f"{UNLEASH}, url: 'https://h', feature: 'f-$service'",
            "feature: unknown placeholder 'service'. Known: release",
        ),
    ],
)
def test_a_placeholder_stands_only_where_it_is_filled_in(part: str, said: str) -> None:
    assert f"targets.new.{said}" in refused("targets", part)


def test_a_dollar_may_be_a_letter_of_a_name_that_is_taken_as_it_stands() -> None:
    site = load_site(site_with("targets", f"{FLAG}, baseline: 5$-plan"), file="site.yaml")
    assert "new" in site.targets
