"""`backout doctor`: what works, what is odd, and what does not work, each with what to do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

import wiring
from backout.errors import RejectedBySystem
from backout.releases import BaselineRecord
from cli.doctor.engine import look_at_engine
from cli.doctor.examine import look_at_people
from cli.doctor.report import Report
from cli.doctor.world import World
from cli.engine import find_binary, prepare_namespace
from cli.starter import write_starter
from deployment import load_deployment, read_site

METRICS = """\
chat_requests_total{release="r2"} 10
chat_errors_total 1
chat_judged_total 5
chat_unsafe_total 0
chat_seconds_bucket{le="1.0"} 4
chat_seconds_bucket{le="+Inf"} 5
chat_seconds_count 5
"""
FLAGS = {
    "flags": {
        "chat-release": {
            "state": "ENABLED",
            "variants": {"known-good": "known-good", "r2": "r2"},
            "defaultVariant": "known-good",
            "targeting": {"fractional": [["r2", 30], ["known-good", 70]]},
        }
    }
}


class Service(BaseHTTPRequestHandler):
    """The service that the starter's site is about."""

    def do_GET(self) -> None:
        """Answer metrics and the two checks: one user is still on r2."""
        body = METRICS if self.path == "/metrics" else json.dumps({"entries": 0, "on_release": 1})
        self.send_response(200)
        self.send_header("Content-Type", "text/plain" if self.path == "/metrics" else "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    """Return the address of the service."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return the starter's site file, with a flag."""
    file, *_ = write_starter(tmp_path)
    (tmp_path / "flags.json").write_text(json.dumps(FLAGS))
    return file


async def look(site: Path, *, release: str | None, environ: dict[str, str] | None = None) -> Report:
    """Look at the systems of a site."""
    report = Report()
    at = read_site(site, environ or {})
    playbooks = load_deployment(at).playbooks
    async with wiring.open_adapters(at) as adapters:
        await World(report, adapters, at=at, playbooks=playbooks, release=release).look()
    return report


def said(report: Report, what: str) -> list[str]:
    """Return the lines about one thing, as `level: found`."""
    return [f"{finding.level}: {finding.found}" for finding in report.findings if finding.what == what]


def change(site: Path, old: str, new: str) -> None:
    """Change the text of the site file."""
    text = site.read_text()
    assert old in text
    site.write_text(text.replace(old, new))


def point(site: Path, service: str) -> None:
    """Point the site at the service."""
    change(site, "http://127.0.0.1:8000", service)


async def test_a_query_that_matches_nothing_is_a_warning_that_names_it(site: Path, service: str) -> None:
    point(site, service)
    lines = said(await look(site, release="r2"), "source chat-metrics")
    blind = [line for line in lines if line.startswith("warn")]
    query = "conversational-agent, signal unsupported: nothing matches chat_unsupported_total."
    assert blind == [f"warn: {query} Without data the signal is blind."]
    assert lines[-1] == "ok: answers; 5 of 6 queries have data"


def ask(site: Path, *signals: str, criteria: tuple[str, ...] = ()) -> None:
    """Add signals of the service's page to the playbook, with criteria that only observe."""
    playbook = site.parent / "my-playbooks" / "conversational-agent.yaml"
    change(playbook, "\nsignals:\n", "\nsignals:\n" + "".join(f"  {signal}\n" for signal in signals))
    change(playbook, "\ncriteria:\n", "\ncriteria:\n" + "".join(f"  - {one}\n" for one in criteria))


SLOW = "slow: {kind: above, family: experience, source: chat-metrics, value: chat_seconds, than: %s}"
SLOW_LIMIT = "{id: slow-limit, signal: slow, mode: observe, test: {compare: limit, max: 5%}}"
GAP = "{id: gap, signal: errors, mode: observe, test: {compare: gap, by: language, max_ratio: 2}}"
AGAINST_BASELINE = """{id: worse, signal: errors, mode: observe, test: {compare: baseline, max_ratio: 1.5,
     bad: 'chat_errors_total{release="$baseline"}', of: 'chat_requests_total{release="$baseline"}'}}"""


async def test_queries_of_every_kind_of_signal_are_tried(site: Path, service: str) -> None:
    point(site, service)
    ask(site, SLOW % 1, criteria=(SLOW_LIMIT,))
    lines = said(await look(site, release="r2"), "source chat-metrics")
    assert lines[-1] == "ok: answers; 7 of 8 queries have data"


async def test_a_query_that_makes_no_sense_fails_by_its_name_and_spoils_no_other(
    site: Path, service: str
) -> None:
    point(site, service)
    ask(site, SLOW % 2.5, criteria=(SLOW_LIMIT, GAP))
    lines = said(await look(site, release="r2"), "source chat-metrics")
    lacking = "not every series has a bucket that ends at 2.5; there are 1, inf"
    assert [line for line in lines if line.startswith("fail")] == [
        f"fail: conversational-agent, {line}. Without data the signal is blind."
        for line in (
            f"signal slow: 'chat_seconds': {lacking}",
            "signal errors by language: 'chat_errors_total': no series has the label 'language'",
            "signal errors by language: 'chat_requests_total': no series has the label 'language'",
        )
    ]
    assert lines[-1] == "ok: answers; 6 of 10 queries have data"


async def test_a_baseline_that_nobody_named_is_left_open_and_one_that_is_named_is_asked_for(
    site: Path, service: str
) -> None:
    point(site, service)
    ask(site, criteria=(AGAINST_BASELINE,))
    lacking = (
        "warn: conversational-agent, baseline of criterion worse: not tried, no baseline release is known"
    )
    assert lacking in said(await look(site, release="r2"), "source chat-metrics")
    named = BaselineRecord(service="chat", release="r2", by="me", why="it is good", at=datetime.now(UTC))
    async with wiring.open_adapters(read_site(site, {})) as adapters:
        await adapters.registry().name_baseline(baseline=named)
    lines = said(await look(site, release="r2"), "source chat-metrics")
    (blind,) = [line for line in lines if "baseline" in line]
    assert blind == (
        "warn: conversational-agent, baseline of criterion worse: nothing matches"
        ' chat_errors_total{release="r2"}.'
        " Without data the signal is blind."
    )


async def test_a_source_without_a_memory_cannot_look_back(site: Path, service: str) -> None:
    point(site, service)
    change(
        site.parent / "my-playbooks" / "conversational-agent.yaml",
        "step: detect,",
        "step: detect, look_back: 1h,",
    )
    (line,) = [
        line
        for line in said(await look(site, release="r2"), "source chat-metrics")
        if "conversational-agent, detect" in line
    ]
    assert line.startswith(
        "warn: conversational-agent, detect: it cannot look back 1h; evidence begins with the incident."
        f" metrics page {service}/metrics knows only the present."
    )


async def test_what_nobody_has_pushed_yet_is_a_warning(site: Path) -> None:
    metrics = "kind: exposition\n    url: http://127.0.0.1:8000/metrics\n    timeout: 2s"
    change(site, metrics, "kind: push\n    path: pushes.db\n    token: {env: PUSH}")
    report = await look(site, release="r2")
    lines = said(report, "source chat-metrics")
    assert lines[0] == (
        "warn: conversational-agent, signal errors: no push had a counter 'chat_errors_total'. Known: none."
        " Without data the signal is blind."
    )
    assert lines[-1] == "ok: answers; 0 of 6 queries have data"
    assert not any(line.startswith("fail") for line in lines)


async def test_without_a_release_what_asks_for_one_is_left_open(site: Path, service: str) -> None:
    point(site, service)
    report = await look(site, release=None)
    assert any(
        "not tried, it asks for a release. Name one with --release." in line
        for line in said(report, "source chat-metrics")
    )
    assert said(report, "check served-version") == [
        "ok: answers; what it says of a release is seen with --release"
    ]
    assert report.is_well


async def test_exposure_is_read_for_the_release_and_else_for_the_baseline(site: Path) -> None:
    assert said(await look(site, release="r2"), "target chat-exposure") == ["ok: 30 % of traffic is on r2"]
    assert said(await look(site, release=None), "target chat-exposure") == [
        "ok: 70 % of traffic is on known-good"
    ]
    unknown = said(await look(site, release="r9"), "target chat-exposure")
    assert unknown[0].startswith("fail: Unknown variant")


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
