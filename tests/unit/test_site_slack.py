"""Slack's door in the site file, and what the doctor says of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import wiring
from backout.errors import InvalidDocument
from cli.doctor.examine import look_at_doors
from cli.doctor.report import Report
from cli.doctor.slack import look_at_slack
from cli.up import doors_of
from demo.slack.server import BOT_TOKEN, FakeSlack
from deployment import SiteFile, load_deployment, read_site
from tests.unit.doctored import change, said, write_site

SECRETS = {"SIGNING": "s", "APP": "xapp", "BOT": BOT_TOKEN}
HTTP, SOCKET = "signing_secret: {env: SIGNING}", "app_token: {env: APP}, token: {env: BOT}"


def site_with(folder: Path, door: str) -> SiteFile:
    """Return the starter's site with this door for Slack, and one person whom Slack knows."""
    site = write_site(folder)
    change(site, "  # slack: {signing_secret: {env: SLACK_SIGNING_SECRET}}", f"  slack: {{{door}}}")
    change(site, "  me:\n", "  me:\n    slack: U01ALICE\n")
    return read_site(site, SECRETS)


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    slack = FakeSlack(groups={"S01ALL": ["U01ALICE", "U02BOB"], "S02OTHERS": ["U02BOB"], "S03EMPTY": []})
    await slack.start()
    yield slack
    await slack.close()


@pytest.mark.parametrize(
    ("door", "why"),
    [
        (f"{HTTP}, {SOCKET}", "name either 'signing_secret' (HTTP) or 'app_token' (Socket Mode)"),
        ("token: {env: BOT}", "name either 'signing_secret' (HTTP) or 'app_token' (Socket Mode)"),
        ("app_token: {env: APP}", "'groups' and 'app_token' need the bot's 'token' too"),
        (f"{HTTP}, groups: {{S01ALL: on_call}}", "'groups' and 'app_token' need the bot's 'token' too"),
        (f"{SOCKET}, groups: {{on-call: on_call}}", "on-call"),
        (f"{SOCKET}, api: slack.example", "'slack.example' is not an address"),
    ],
    ids=["two ways in", "no way in", "a socket alone", "groups alone", "a group's name", "no address"],
)
def test_a_door_that_could_not_work_is_refused(tmp_path: Path, door: str, why: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        site_with(tmp_path, door)
    assert why in str(refused.value)


def test_a_group_whose_role_no_playbook_has_is_refused_with_the_roles_that_there_are(tmp_path: Path) -> None:
    at = site_with(tmp_path, f"{SOCKET}, groups: {{S01ALL: on_cal}}")
    with pytest.raises(
        InvalidDocument, match=r"slack\.groups\.S01ALL: unknown role 'on_cal'; did you mean 'on_call'"
    ):
        load_deployment(at)


def test_the_doctor_looks_at_the_secrets_of_the_way_in_that_is_open(tmp_path: Path) -> None:
    for number, (door, name, count) in enumerate(
        [(HTTP, "/slack/commands and /slack/interactions", 1), (SOCKET, "Slack's socket", 2)]
    ):
        report = Report()
        at = site_with(tmp_path / str(number), door)
        look_at_doors(report, at)
        assert [line[:3] for line in said(report, f"door {name}")] == ["ok:"] * count
        assert ("Slack's socket" in doors_of(at.site)) == (door == SOCKET)
        assert ("POST /slack/interactions" in doors_of(at.site)) == (door == HTTP)


async def test_the_doctor_says_whom_a_group_gives_its_role(tmp_path: Path, slack: FakeSlack) -> None:
    groups = "{S01ALL: on_call, S02OTHERS: on_call, S03EMPTY: on_call, S04GONE: on_call}"
    at = site_with(tmp_path, f"{SOCKET}, api: '{slack.address}/api/', groups: {groups}")
    report = Report()
    async with wiring.open_adapters(at) as adapters:
        await look_at_slack(report, at.site, adapters.slack_calls)
    assert said(report, "user group S01ALL") == ["ok: gives 1 of its 2 the role on_call"]
    (others,) = said(report, "user group S02OTHERS")
    assert others.startswith("warn: Gives nobody the role on_call: none of its members is in the directory.")
    assert "it has no members" in said(report, "user group S03EMPTY")[0]
    assert "no_such_subteam" in said(report, "user group S04GONE")[0]
    assert said(report, "Slack's forms") == []


async def test_the_doctor_says_that_no_form_opens_without_the_bot_s_token(tmp_path: Path) -> None:
    at = site_with(tmp_path, HTTP)
    report = Report()
    async with wiring.open_adapters(at) as adapters:
        await look_at_slack(report, at.site, adapters.slack_calls)
    assert said(report, "Slack's forms")[0].startswith("warn: Buttons that ask for a reason open none.")


async def test_a_missing_token_is_the_doctor_s_finding_and_does_not_end_its_round(tmp_path: Path) -> None:
    at = site_with(tmp_path, f"{SOCKET}, groups: {{S01ALL: on_call}}")
    at = SiteFile(file=at.file, site=at.site, environ={})
    report = Report()
    async with wiring.open_adapters(at) as adapters:
        await look_at_slack(report, at.site, adapters.slack_calls)
    assert said(report, "user group S01ALL")[0].startswith("fail: Secret in environment variable BOT")
