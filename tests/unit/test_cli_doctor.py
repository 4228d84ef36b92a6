"""`backout doctor`: what works, what is odd, and what does not work, each with what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from backout.errors import RejectedBySystem
from cli.doctor.engine import look_at_engine
from cli.doctor.examine import look_at_doors, look_at_people
from cli.doctor.report import Report
from cli.engine import find_binary, prepare_namespace
from deployment import load_deployment, read_site
from tests.unit.doctored import change, look, point, said, serving, write_site
from tests.unit.released import backout


@pytest.fixture
def service() -> Iterator[str]:
    """Return the address of the service."""
    with serving() as address:
        yield address


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return the site file."""
    return write_site(tmp_path)


async def test_exposure_is_read_for_the_release_and_else_for_the_baseline(site: Path) -> None:
    assert said(await look(site, release="r2"), "target chat-exposure") == ["ok: 30 % of traffic is on r2"]
    assert said(await look(site, release=None), "target chat-exposure") == [
        "ok: 70 % of traffic is on known-good"
    ]
    unknown = said(await look(site, release="r9"), "target chat-exposure")
    assert unknown[0].startswith("fail: Unknown variant")


async def test_a_release_of_one_service_is_not_meant_in_another(site: Path) -> None:
    mine = await look(site, release="r2", service="chat")
    assert said(mine, "target chat-exposure") == ["ok: 30 % of traffic is on r2"]
    slip = await look(site, release="r2", service="caht")
    assert said(slip, "release") == ["fail: Unknown service 'caht'. Known: chat."]
    assert said(slip, "target chat-exposure") == ["ok: 70 % of traffic is on known-good"]


def test_a_release_is_written_as_other_commands_take_it(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:9")
    findings = json.loads(backout(site, "doctor", "--json", "--release", "chat/r2").stdout)["findings"]
    assert "30 % of traffic is on r2" in [one["found"] for one in findings]
    for slip in ("chat/", "/r2"):
        refused = backout(site, "doctor", "--release", slip)
        assert refused.exit_code == 2
        assert "write it as SERVICE/RELEASE" in refused.output


async def test_a_check_that_does_not_pass_now_is_a_warning(site: Path, service: str) -> None:
    point(site, service)
    report = await look(site, release="r2")
    assert said(report, "check prompt-cache-purged")[0].startswith("ok: passes for r2")
    assert said(report, "check served-version")[0].startswith("warn: Does not pass for r2 now")


async def test_what_does_not_answer_fails_and_the_rest_is_still_looked_at(site: Path) -> None:
    point(site, "http://127.0.0.1:1")
    report = await look(site, release=None)
    assert said(report, "source chat-metrics")[0].startswith(
        "fail: metrics page http://127.0.0.1:1/metrics did not answer"
    )
    assert said(report, "target chat-exposure")[0].startswith("ok")
    assert said(report, "store")[0].startswith("ok")
    assert not report.is_well


async def test_a_secret_that_is_missing_fails_for_its_own_channel_only(site: Path) -> None:
    slack = "status-page: {kind: slack, channel: C01, token: {env: SLACK}}"
    change(site, "status-page: {kind: terminal}", slack)
    report = await look(site, release=None)
    assert said(report, "channel status-page")[0].startswith(
        "fail: Secret in environment variable SLACK is not set"
    )
    assert said(report, "channel incidents") == ["ok: needs no access"]


async def test_people_whom_slack_cannot_call_are_named(site: Path) -> None:
    slack = "status-page: {kind: slack, channel: C01, token: {env: SLACK}, api: 'http://127.0.0.1:1/'}"
    change(site, "status-page: {kind: terminal}", slack)
    report = await look(site, release=None, environ={"SLACK": "xoxb"})
    assert any(
        "me, colleague have no Slack member id" in line for line in said(report, "channel status-page")
    )


async def test_a_store_that_cannot_be_written_fails(site: Path) -> None:
    (site.parent / ".backout" / "backout.db").mkdir()
    (site.parent / ".backout" / "postmortems").write_text("a file, where a folder belongs")
    report = await look(site, release=None)
    assert said(report, "store")[0].startswith("fail: SQLite file")


def test_a_role_that_one_person_alone_fills_is_named(site: Path) -> None:
    report = Report()
    at = read_site(site, {})
    look_at_people(report, at.site, load_deployment(at).playbooks)
    lines = said(report, "roles of conversational-agent")
    assert lines[0].startswith("ok: on_call: me, colleague")
    assert lines[1].startswith("warn: One person alone fills product_owner, safety_lead.")


def test_every_door_that_the_site_opens_needs_its_secret(site: Path) -> None:
    change(site, "sources:\n", "sources:\n  judges: {kind: push, path: pushes.db, token: {env: PUSH}}\n")
    change(site, "  # slack: {signing", "  releases: {token: {env: RELEASES}}\n  # slack: {signing")
    report = Report()
    look_at_doors(report, read_site(site, {"PUSH": "s3cret"}))
    assert said(report, "door /alerts/alertmanager")[0].startswith("ok: its secret is in file ")
    closed = ["warn: Closed: the site file names no secret for it."]
    assert said(report, "door /slack/commands and /slack/interactions") == closed
    assert said(report, "door /signals (judges)") == ["ok: its secret is in environment variable PUSH"]
    assert said(report, "door /releases, /rollouts, /events and /freeze")[0].startswith(
        "fail: Secret in environment variable RELEASES is not set."
    )


async def test_an_engine_that_forgets_and_knows_no_attributes_is_told_how_to_be_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(find_binary()), dev_server_log_level="error"
    )
    async with engine:
        monkeypatch.setenv("TEMPORAL_ADDRESS", engine.client.service_client.config.target_host)
        monkeypatch.setenv("TEMPORAL_CONFIG_FILE", "/dev/null")
        bare, prepared = Report(), Report()
        await look_at_engine(bare, tmp_path)
        await prepare_namespace(engine.client)
        await look_at_engine(prepared, tmp_path)
    assert "--retention 90d" in said(bare, "retention")[0]
    assert said(bare, "search attributes")[0].startswith("fail: Without BackoutService")
    assert said(bare, "worker") == ["warn: None polls task queue backout: incidents wait until one runs."]
    assert [finding.level for finding in prepared.findings] == ["ok", "ok", "ok", "warn"]


async def test_an_engine_that_is_not_there_fails_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", "/dev/null")
    report = Report()
    await look_at_engine(report, tmp_path)
    assert "Start 'backout up'" in said(report, "engine")[0]


def test_an_error_that_is_a_fault_of_ours_is_not_hidden() -> None:
    report = Report()
    with report.examining("one"):
        raise RejectedBySystem(what="It", why="no")
    with report.examining("two"):
        raise TimeoutError
    with pytest.raises(ZeroDivisionError), report.examining("three"):
        timedelta() / timedelta()
    assert [finding.what for finding in report.findings] == ["one", "two"]
    assert "No answer within 10 s" in report.findings[1].found
