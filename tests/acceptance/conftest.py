"""One `backout up` for all tests that only talk to it."""

from __future__ import annotations

from collections.abc import Iterator
from getpass import getuser
from pathlib import Path

import pytest

from tests.acceptance.collector import Collector, collecting
from tests.acceptance.running import Up, until, up, write_site
from tools.made_up_record import arm

ASKING = """
playbook: asking
version: 1
scenario: A notice waits for its approval.
at_risk: {users: none, safety: none, business: none}
severity: minor
release: {service: desk, artifacts: [model]}
channel: incidents
tick: 1s
signals:
  errors: {kind: ratio, family: operational, source: chat-metrics, bad: bad_total, of: requests_total}
criteria:
  - {id: told, test: {compare: alert, named: ErrorsHigh}}
  - {id: errors, signal: errors, test: {compare: limit, max: 10%}}
rules:
  - {id: bad, when: {any_of: [told, errors]}, authority: auto}
roles:
  on_call: {may: [acknowledge, approve, reject, hold, resume, retry, skip, abort, note, close]}
escalation: {}
remind: 30m
steps:
  - {step: detect, owner: on_call, within: 10m, on_timeout: hold}
  - step: notify
    owner: on_call
    audience: customers
    channel: status-page
    template: customers
    needs_approval: true
    within: 30m
    on_timeout: hold
  - step: revert
    owner: on_call
    target: chat-exposure
    stages: [0]
    soak: 1s
    within: 10m
    on_timeout: hold
    on_recovery: proceed
  - {step: verify, owner: on_call, window: 1m, within: 10m, on_timeout: hold}
  - {step: postmortem, owner: on_call, template: standard, due: 5d, within: 5m, on_timeout: hold}
"""


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Return where the traces of the running `backout up` go."""
    with collecting() as one:
        yield one


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Up]:
    """Return a `backout up` that runs as long as the tests do."""
    folder: Path = tmp_path_factory.mktemp("site")
    site = write_site(folder)
    write_asking(site)
    site.write_text(f"{site.read_text()}act_as: [{getuser()}]\n")
    with up(folder, OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, OTEL_BSP_SCHEDULE_DELAY="100") as one:
        yield one


@pytest.fixture(scope="session")
def incident(running: Up) -> str:
    """Open the only incident as Alertmanager does, and return how people write it."""
    assert running.post_alert(release="r7").status_code == 202
    until(lambda: running.json("incidents", "list", "--open"), "the incident is open")

    def told() -> set[str]:
        return {event["event"] for event in running.json("incidents", "timeline", "chat/r7")}

    # Its opening is told bit by bit, and nothing more comes by itself: tests compare the whole timeline.
    until(lambda: {"StepStarted", "MessageSent", "RequestsCounted"} <= told(), "its opening is told")
    return "chat/r7"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder with a site of its own."""
    write_site(tmp_path)
    return tmp_path


def write_asking(site: Path) -> None:
    """Add a playbook in which a notice waits for an approval, for the alerts of another service."""
    file = site.parent / "my-playbooks" / "asking.yaml"
    file.write_text(ASKING)
    arm(file)
    site.write_text(site.read_text() + "  - {match: {service: desk}, playbook: asking}\n")
