"""A real Prometheus sees a release go bad, a real Alertmanager says so, and the incident runs to its end."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from prometheus_client import CollectorRegistry, Counter, start_http_server
from prometheus_client.parser import text_string_to_metric_families

from adapters.targets.flagd_file import FlagdFile
from tests import monitoring
from tests.acceptance.running import PATIENCE_S, Up, get, until, up
from tools.made_up_record import arm

pytestmark = monitoring.NEEDED

CANDIDATE = "2026.11"
BASELINE = "2026.10"
TOKEN = "s3cret"
SCRAPING = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
scrape_configs:
  - {job_name: chat, static_configs: [{targets: ['SERVICE']}]}
rule_files: [rules.yml]
alerting:
  alertmanagers: [{static_configs: [{targets: ['ALERTMANAGER']}]}]
"""
RULES = """
groups:
  - name: chat
    rules:
      - alert: ChatErrorRateHigh
        expr: |
          sum by (release) (rate(chat_errors_total[5s]))
            / sum by (release) (rate(chat_requests_total[5s])) > 0.05
        for: 1s
        labels: {service: chat}
        annotations: {summary: 'Conversations with {{ $labels.release }} break off.'}
"""
NOBODY = """
route: {receiver: nobody}
receivers: [{name: nobody}]
"""
RECEIVER = """
route:
  receiver: backout
  group_by: [service, release]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 2s
receivers:
  - name: backout
    webhook_configs:
      - url: GATEWAY/alerts/alertmanager
        http_config: {authorization: {type: Bearer, credentials_file: token}}
"""
SITE = """
site: monitored
people:
  alice: {name: Alice, roles: [on_call]}
sources:
  prometheus: {kind: prometheus, url: 'http://PROMETHEUS', timeout: 2s}
targets:
  exposure: {kind: flagd-file, path: flags.json, flag: chat-release, baseline: 'BASELINE'}
channels:
  room: {kind: terminal}
store: {kind: sqlite, path: .backout/backout.db, documents: .backout/postmortems}
gateway:
  port: 0
  outbox: .backout/outbox.db
  alerts: {alertmanager: {token: {file: token}}}
routes:
  - {match: {service: chat}, playbook: chat}
"""
PLAYBOOK = """
playbook: chat
version: 1
scenario: A chat release breaks conversations off.
at_risk: {users: no answers, safety: none, business: refunds}
severity: critical
release:
  service: chat
  artifacts: [model]
  requests: {source: prometheus, query: 'sum(chat_requests_total{release="$release"})'}
channel: room
tick: 1s
signals:
  errors:
    kind: ratio
    family: operational
    source: prometheus
    bad: sum(chat_errors_total)
    of: sum(chat_requests_total)
criteria:
  - id: error-limit
    signal: errors
    test: {compare: limit, max: 5%}
    min_sample: 100
    evidence: {false_alarm: 1h, false_hold: 10m, sustain: 3s}
rules:
  - {id: critical, when: {any_of: [error-limit]}, authority: auto}
roles:
  on_call: {may: [acknowledge, approve, reject, hold, resume, retry, skip, abort, note, close]}
escalation: {}
remind: 30m
steps:
  - {step: detect, owner: on_call, within: 1m, on_timeout: hold}
  - step: revert
    owner: on_call
    target: exposure
    stages: [50, 0]
    soak: 3s # A scrape of what was before is in by its end, also on a busy machine.
    on_recovery: proceed
    within: 10m
    on_timeout: hold
  - {step: verify, owner: on_call, window: 3s, within: 1m, on_timeout: hold}
  - {step: postmortem, owner: on_call, template: standard, due: 5d, within: 5m, on_timeout: hold}
"""
FLAGS = {
    "flags": {
        "chat-release": {
            "state": "ENABLED",
            "variants": {CANDIDATE: CANDIDATE, BASELINE: BASELINE},
            "defaultVariant": BASELINE,
            "targeting": {"fractional": [[CANDIDATE, 100], [BASELINE, 0]]},
        }
    }
}


class Service(threading.Thread):
    """A service with 200 requests a second, shared among the releases as the flag says."""

    def __init__(self, flags: Path) -> None:
        super().__init__(daemon=True)
        self._target = FlagdFile(str(flags), "chat-release", BASELINE)
        self.is_bad = threading.Event()
        self.is_over = threading.Event()
        self.registry = CollectorRegistry()
        self._requests = Counter("chat_requests", "Requests.", ["release"], registry=self.registry)
        self._errors = Counter("chat_errors", "Failed ones.", ["release"], registry=self.registry)
        for release in (CANDIDATE, BASELINE):
            self._requests.labels(release)
            self._errors.labels(release)

    def run(self) -> None:
        """Serve until it is over; a candidate that is bad fails every third request."""
        while not self.is_over.wait(0.05):
            served = 10 * self.exposure() / 100
            self._requests.labels(CANDIDATE).inc(served)
            self._requests.labels(BASELINE).inc(10 - served)
            if self.is_bad.is_set():
                self._errors.labels(CANDIDATE).inc(served / 3)

    def exposure(self) -> int:
        """Return the percent of traffic that is on the candidate."""
        return asyncio.run(self._target.read(service="chat", release=CANDIDATE)).percent


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Service, str]]:
    """Run the service; yield it and its metrics page as `host:port`."""
    service = Service(folder / "flags.json")
    server, _ = start_http_server(0, addr="127.0.0.1", registry=service.registry)
    service.start()
    try:
        yield service, f"127.0.0.1:{server.server_port}"
    finally:
        service.is_over.set()
        service.join()
        server.shutdown()
        server.server_close()


def write_files(folder: Path, playbook: str, rules: str) -> None:
    """Write what nothing else has to be known for."""
    (folder / "playbooks").mkdir()
    for name, text in {
        "flags.json": json.dumps(FLAGS),
        "playbooks/chat.yaml": playbook,
        "rules.yml": rules,
        "token": TOKEN,
    }.items():
        (folder / name).write_text(text)
    arm(folder / "playbooks/chat.yaml")


@contextmanager
def monitored(folder: Path, *, playbook: str = PLAYBOOK, rules: str = RULES) -> Iterator[tuple[Service, Up]]:
    """Run the service, its monitoring and Backout; yield the service and Backout."""
    write_files(folder, playbook, rules)
    with serving(folder) as (service, page), monitoring.alertmanager(folder, NOBODY) as alertmanager:
        scraping = SCRAPING.replace("SERVICE", page).replace("ALERTMANAGER", alertmanager)
        with monitoring.prometheus(folder, scraping) as prometheus:
            site = SITE.replace("PROMETHEUS", prometheus).replace("BASELINE", BASELINE)
            (folder / "site.yaml").write_text(site)
            with up(folder) as running:
                receiver = RECEIVER.replace("GATEWAY", running.state.gateway)
                (folder / "alertmanager.yml").write_text(receiver)
                reload = f"http://{alertmanager}/-/reload"
                httpx.post(reload, trust_env=False, timeout=PATIENCE_S).raise_for_status()
                yield service, running


def sees_everything(running: Up) -> bool:
    """Say whether the doctor has an answer to every query."""
    findings = json.loads(running.backout("doctor", "--release", CANDIDATE, "--json").stdout)["findings"]
    said = {one["what"]: one["found"] for one in findings if one["level"] == "ok"}
    return said.get("source prometheus") == "answers; 3 of 3 queries have data"


def delivered(running: Up) -> float:
    """Return how many changes of alerts the gateway has passed on or, where nothing is open, left out."""
    page = get(f"{running.state.gateway}/metrics").text
    samples = [one for family in text_string_to_metric_families(page) for one in family.samples]
    return sum(one.value for one in samples if one.name == "backout_deliveries_total")


def of_kind(timeline: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Return the events of one kind."""
    return [event for event in timeline if event["event"] == kind]


def test_a_release_that_goes_bad_is_alerted_counted_reverted_and_seen_to_recover(tmp_path: Path) -> None:
    with monitored(tmp_path) as (service, running):
        until(lambda: sees_everything(running), "Prometheus has numbers for the doctor")
        service.is_bad.set()
        until(lambda: running.json("incidents", "list"), "the webhook has opened an incident")
        until(lambda: not running.json("incidents", "list", "--open"), "the incident has ended")
        told = running.json("incidents", "timeline", f"chat/{CANDIDATE}")
        until(lambda: delivered(running) >= 2, "Alertmanager has said that it is over, too")
        incidents = running.json("incidents", "list")

    assert [(one["incident"], one["outcome"]) for one in incidents] == [
        (f"incident/chat/{CANDIDATE}", "recovered")
    ]
    assert service.exposure() == 0
    alert = of_kind(told, "AlertReceived")[0]["alert"]
    assert (alert["source"], alert["name"], alert["status"]) == (
        "alertmanager",
        "ChatErrorRateHigh",
        "firing",
    )
    assert alert["summary"] == f"Conversations with {CANDIDATE} break off."
    assert [event["after"] for event in of_kind(told, "ExposureSet")] == [50, 0]

    judged = of_kind(told, "SignalsJudged")
    fired, recovered = judged[0]["evaluation"], judged[-1]["evaluation"]
    assert (fired["outcome"], fired["rule"], recovered["outcome"]) == ("fired", "critical", "clear")
    # What detect has counted for itself is what the service does: a third fails.
    factor = fired["factors"][0]
    assert 0.25 < factor["bad"] / factor["judged"] < 0.4
    assert recovered["factors"][0]["bad"] == 0
    first, last = (event["served"] for event in of_kind(told, "RequestsCounted"))
    assert 0 < first < last
