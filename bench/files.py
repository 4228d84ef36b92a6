"""The world of a benchmark: a site, two playbooks, flag files and a metrics page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

SERVICES = {"chat": "auto", "held": "approve", "paged": "approve", "crowd": "approve"}
"""Each service has a playbook of its own; its value is the authority of the one rule."""
_QUICK, _USUAL = ("50ms", "1s", "100ms"), ("15s", "1m", "1m")
"""A tick; how long evidence must last; how long a stage and a verification are watched."""
FLAG, BASELINE = "release", "stable"
TOKEN = "not-a-secret"  # noqa: S105  # it opens a gateway on loopback for as long as the benchmark runs
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
_PATIENCE_S = 60.0
_SITE = """
site: bench
people:
  alice: {name: Alice, roles: [on_call], slack: U01ALICE}
  bob: {name: Bob, roles: [commander]}
sources:
  metrics: {kind: exposition, url: "URL", timeout: 2s}
targets:
  chat: {kind: flagd-file, path: chat.json, flag: release, baseline: stable}
  held: {kind: flagd-file, path: held.json, flag: release, baseline: stable}
  paged: {kind: flagd-file, path: paged.json, flag: release, baseline: stable}
  crowd: {kind: flagd-file, path: crowd.json, flag: release, baseline: stable}
channels:
  room: {kind: terminal}
  pager: {kind: webhook, url: "PAGER", secret: {file: token}, timeout: 2s}
store: {kind: sqlite, path: backout.db, documents: postmortems}
gateway:
  port: 0
  outbox: outbox.db
  alerts: {alertmanager: {token: {file: token}}}
  slack: {signing_secret: {file: token}}
routes:
  - {match: {service: chat}, playbook: chat}
  - {match: {service: held}, playbook: held}
  - {match: {service: paged}, playbook: paged}
  - {match: {service: crowd}, playbook: crowd}
"""
_PLAYBOOK = """
playbook: SERVICE
version: 1
scenario: A release answers badly.
at_risk: {users: wrong advice, safety: unmoderated content, business: refunds}
severity: critical
release:
  service: SERVICE
  artifacts: [model, prompt]
  requests: {source: metrics, query: requests_total}
channel: room
tick: TICK
signals:
  errors: {kind: ratio, family: operational, source: metrics, bad: bad_total, of: requests_total}
criteria:
  - {id: provider, test: {compare: alert, named: ProviderDown}}
  - id: errors
    signal: errors
    min_sample: 5
    evidence: {sustain: SUSTAIN}
    test: {compare: limit, max: 10%}
rules:
  - {id: provider-down, when: {any_of: [provider, errors]}, authority: AUTHORITY, quorum: 1}
roles:
  on_call: {may: [acknowledge, hold, resume, retry, skip, abort, note, close]}
  commander: {may: [approve, reject]}
escalation:
  ladder: [{page: [on_call], wait: 5m}]
  pager: [{page: [on_call], via: [pager], wait: 1h}]
  crowd: [{page: [on_call], wait: 1h}]
remind: 30m
steps:
  - {step: detect, owner: on_call, within: 1m, on_timeout: hold}
  - ESCALATE
  - step: revert
    owner: commander
    target: SERVICE
    stages: [50, 10, 0]
    soak: WATCHED
    within: 1h
    on_timeout: hold
    on_recovery: proceed
  - {step: verify, owner: on_call, window: WATCHED, within: 10m, on_timeout: hold}
  - {step: postmortem, owner: on_call, template: standard, due: 5d, within: 5m, on_timeout: hold}
"""
_POLICIES = {"chat": "ladder", "paged": "pager", "crowd": "crowd"}
"""The escalation of each service; who is held waits for an approval at once."""
_ESCALATE = "{step: escalate, owner: on_call, policy: POLICY, within: 1h, on_timeout: hold}"


def write_site(folder: Path, *, metrics: str, pager: str) -> Path:
    """Write the site and its playbooks; return the site's file."""
    (folder / "playbooks").mkdir()
    for service in SERVICES:
        (folder / "playbooks" / f"{service}.yaml").write_text(_playbook(service))
    (folder / "token").write_text(TOKEN)
    (folder / "site.yaml").write_text(_SITE.replace("URL", metrics).replace("PAGER", pager))
    return folder / "site.yaml"


def _playbook(service: str) -> str:
    named = _PLAYBOOK.replace("SERVICE", service).replace("AUTHORITY", SERVICES[service])
    tick, sustain, watched = _USUAL if service == "crowd" else _QUICK
    text = named.replace("TICK", tick).replace("SUSTAIN", sustain).replace("WATCHED", watched)
    if service in _POLICIES:
        return text.replace("ESCALATE", _ESCALATE.replace("POLICY", _POLICIES[service]))
    return text.replace("  - ESCALATE\n", "")


def expose(file: Path, release: str) -> int:
    """Give all traffic of a flag to a release; return what tells this version of the file from the next."""
    flag = {
        "state": "ENABLED",
        "variants": {BASELINE: BASELINE, release: release},
        "defaultVariant": release,
    }
    new = file.with_suffix(".new")
    new.write_text(json.dumps({"flags": {FLAG: flag}}))
    new.replace(file)
    return version(file)


def version(file: Path) -> int:
    """Return what tells this version of the file from the next: its writers replace it whole."""
    return file.stat().st_ino


async def changed(file: Path, before: int) -> None:
    """Wait until the file is another one, a minute at most; looks twice in a millisecond."""
    async with asyncio.timeout(_PATIENCE_S):
        while version(file) == before:  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(0.0005)


@asynccontextmanager
async def metrics_page() -> AsyncIterator[str]:
    """Serve the counters of a service that is well; each look finds more requests. Yield the address."""
    requests = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        try:
            await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:  # whoever asked is gone
            writer.close()
            return
        requests += 1000
        text = f"requests_total {requests}\nbad_total 0\n"
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n{text}".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/metrics"
