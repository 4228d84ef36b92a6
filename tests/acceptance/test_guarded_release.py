"""A registered release is guarded: what judges push turns bad, and its incident opens without any alert."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from getpass import getuser
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.targets.flagd_file import FlagdFile
from tests.acceptance.running import PATIENCE_S, Up, until, up
from tools.made_up_record import arm

SERVICES = {"chat": "approve", "desk": "auto"}
"""What the rule of each service's playbook takes to act."""
JUDGED = 50
"""Answers of each service in one push."""
SITE = """
site: guarded
people:
  alice: {name: Alice, login: LOGIN, roles: [on_call]}
sources:
  judges: {kind: push, path: .backout/judges.db, token: {file: judges-token}}
targets:
  chat-exposure: {kind: flagd-file, path: flags.json, flag: chat, baseline: r1}
  desk-exposure: {kind: flagd-file, path: flags.json, flag: desk, baseline: r1}
channels:
  room: {kind: terminal}
store: {kind: sqlite, path: .backout/backout.db, documents: .backout/postmortems}
gateway:
  port: 0
  outbox: .backout/outbox.db
  releases: {token: {file: pipeline-token}}
"""
PLAYBOOK = """
playbook: SERVICE
version: 1
scenario: A release makes claims that no document supports.
at_risk: {users: invented advice, safety: none, business: refunds}
severity: critical
release: {service: SERVICE, artifacts: [model]}
channel: room
tick: 200ms
signals:
  unsupported:
    kind: ratio
    family: quality
    source: judges
    bad: grounding.unsupported{service="$service"}
    of: grounding.judged{service="$service"}
criteria:
  - id: grounding
    signal: unsupported
    test: {compare: limit, max: 5%}
    min_sample: 100
    evidence: {false_alarm: 1h, false_hold: 10m, sustain: 1s}
rules:
  - {id: invented, when: {any_of: [grounding]}, authority: AUTHORITY}
roles:
  on_call: {may: [acknowledge, approve, reject, hold, resume, retry, skip, abort, note, close]}
escalation: {}
remind: 30m
steps:
  - {step: detect, owner: on_call, within: 1m, on_timeout: hold}
  - step: revert
    owner: on_call
    target: SERVICE-exposure
    stages: [50, 0]
    soak: 400ms
    on_recovery: proceed
    within: 10m
    on_timeout: hold
  - {step: verify, owner: on_call, window: 1s, within: 1m, on_timeout: hold}
  - {step: postmortem, owner: on_call, template: standard, due: 5d, within: 5m, on_timeout: hold}
"""
FLAG = {
    "state": "ENABLED",
    "variants": {"r1": "r1", "r2": "r2"},
    "defaultVariant": "r1",
    "targeting": {"fractional": [["r2", 100], ["r1", 0]]},
}


class Judges(threading.Thread):
    """Judges of every service's answers, who push their counts; a bad release invents a third of its own."""

    def __init__(self, folder: Path, gateway: str) -> None:
        super().__init__(daemon=True)
        self._targets = {
            service: FlagdFile(str(folder / "flags.json"), service, "r1") for service in SERVICES
        }
        self._client = httpx.Client(
            base_url=gateway,
            headers={"Authorization": "Bearer judges"},
            trust_env=False,
            timeout=PATIENCE_S,
        )
        self.bad: set[str] = set()
        self.is_over = threading.Event()

    def run(self) -> None:
        """Push until it is over."""
        for number in count():
            if self.is_over.wait(0.05):
                return
            pushes = [self._push(service, number) for service in SERVICES]
            self._client.post("/signals", json=pushes).raise_for_status()

    def _push(self, service: str, number: int) -> dict[str, Any]:
        invented = JUDGED * self.exposure(service) // 300 if service in self.bad else 0
        return {
            "source": "judges",
            "key": f"{service}-{number}",
            "labels": {"service": service},
            "counts": {"grounding.judged": JUDGED, "grounding.unsupported": invented},
        }

    def exposure(self, service: str) -> int:
        """Return the percent of traffic that is on the release."""
        return asyncio.run(self._targets[service].read(service=service, release="r2")).percent


def write_files(folder: Path) -> None:
    """Write the site, its playbooks, its flags and its tokens."""
    (folder / "playbooks").mkdir()
    for service, authority in SERVICES.items():
        file = folder / "playbooks" / f"{service}.yaml"
        file.write_text(PLAYBOOK.replace("SERVICE", service).replace("AUTHORITY", authority))
        arm(file)
    (folder / "site.yaml").write_text(SITE.replace("LOGIN", getuser()))
    (folder / "flags.json").write_text(json.dumps({"flags": dict.fromkeys(SERVICES, FLAG)}))
    (folder / "judges-token").write_text("judges")
    (folder / "pipeline-token").write_text("pipeline")


def registration(service: str) -> dict[str, Any]:
    """Return what a pipeline tells of a release."""
    return {
        "service": service,
        "release": "r2",
        "playbook": service,
        "owner": f"team {service}",
        "baseline": "r1",
        "artifacts": [{"kind": "model", "name": f"{service}-8b", "digest": "sha256:" + "ab" * 32}],
    }


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Up, Judges]]:
    """Run Backout; one release is told of by a pipeline, one by a person; their judges are content."""
    folder = tmp_path_factory.mktemp("guarded")
    write_files(folder)
    with up(folder) as running:
        judges = Judges(folder, running.state.gateway)
        judges.start()
        told = httpx.post(
            f"{running.state.gateway}/releases",
            json=registration("chat"),
            headers={"Authorization": "Bearer pipeline"},
            trust_env=False,
            timeout=PATIENCE_S,
        )
        (folder / "release.json").write_text(json.dumps(registration("desk")))
        registered = running.backout("release", "register", "release.json")
        try:
            assert (told.status_code, told.json()["watch"]) == (201, "started"), told.text
            assert registered.returncode == 0, registered.stderr
            until(
                lambda: all(watch(running, one).get("state") == "watching" for one in SERVICES), "all watch"
            )
            yield running, judges
        finally:
            judges.is_over.set()
            judges.join()


def watch(running: Up, service: str) -> dict[str, Any]:
    """Return what is shown of the watch of a service's release."""
    shown: dict[str, Any] = running.json("release", "show", service, "r2")
    return shown["watch"] or {}


def stands(running: Up, service: str) -> dict[str, str]:
    """Return the line of a service's incident; an empty one while there is none."""
    listed = running.json("incidents", "list")
    nothing = {"outcome": ""}
    return next((one for one in listed if one["incident"] == f"incident/{service}/r2"), nothing)


def code_of_the_plan(running: Up) -> str:
    """Return the code of the plan that the incident on chat asks about; nothing while it asks about none."""
    asked = running.json("incidents", "show", "chat/r2")["asks"]
    subjects = [ask["subject"] for ask in asked if ask["subject"]]
    return subjects[0].removeprefix("sha256:")[:8] if subjects else ""


def of_kind(timeline: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Return the events of one kind."""
    return [event for event in timeline if event["event"] == kind]


def test_what_pipelines_and_judges_may_send_is_said_when_it_starts(guarded: tuple[Up, Judges]) -> None:
    running, _ = guarded
    assert "POST /signals, POST /releases, POST /rollouts, POST /events, GET /freeze" in running.said


def test_a_release_that_turns_bad_is_reverted_by_its_armed_rule_without_any_alert(
    guarded: tuple[Up, Judges],
) -> None:
    running, judges = guarded
    judges.bad.add("desk")
    until(lambda: stands(running, "desk")["outcome"] not in {"", "open"}, "the incident has ended")
    told = running.json("incidents", "timeline", "desk/r2")
    assert stands(running, "desk")["outcome"] == "recovered"
    assert [event["after"] for event in of_kind(told, "ExposureSet")] == [50, 0]
    assert judges.exposure("desk") == 0
    assert of_kind(told, "IncidentOpened")[0]["by_watch"]
    assert of_kind(told, "AlertReceived") == []


def test_a_rule_that_asks_has_its_evidence_at_once_and_reverts_nothing_until_somebody_agrees(
    guarded: tuple[Up, Judges],
) -> None:
    running, judges = guarded
    judges.bad.add("chat")
    until(lambda: stands(running, "chat")["outcome"], "the incident is open")
    until(lambda: code_of_the_plan(running), "it asks")
    assert judges.exposure("chat") == 100
    seen = of_kind(running.json("incidents", "timeline", "chat/r2"), "SignalsJudged")[0]["evaluation"]
    assert seen in [change["evaluation"] for change in watch(running, "chat")["transitions"]]
    explained = running.json("triggers", "explain", "chat/r2")["decision"]
    assert explained["evaluation"] == seen
    (factor,) = seen["factors"]
    assert factor["evidence"] >= factor["need"] > 0
    assert factor["limit"] < factor["bad"] / factor["judged"] < 1
    said = running.backout("triggers", "explain", "chat/r2").stdout
    assert "FIRED by rule invented" in said
    assert f"{factor['bad']} bad of {factor['judged']} judged since " in said

    agreed = running.backout("approve", "chat/r2", code_of_the_plan(running), "it invents")
    assert agreed.returncode == 0, agreed.stderr
    until(lambda: stands(running, "chat")["outcome"] != "open", "the incident has ended")
    assert (stands(running, "chat")["outcome"], judges.exposure("chat")) == ("recovered", 0)
