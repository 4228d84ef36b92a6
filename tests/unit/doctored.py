"""A site for the doctor: the starter's, a service that it watches, and what the doctor says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

import wiring
from cli.doctor.report import Report
from cli.doctor.sources import Out
from cli.doctor.world import World
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


@contextmanager
def serving() -> Iterator[str]:
    """Serve the service; yield its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def ratio(bad: str, of: str) -> dict[str, Any]:
    """Return a signal of the service's page."""
    return {"kind": "ratio", "family": "quality", "source": "chat-metrics", "bad": bad, "of": of}


SIGNALS = {
    "errors": ratio("chat_errors_total", "chat_requests_total"),
    "unsafe": ratio("chat_unsafe_total", "chat_judged_total"),
    "unsupported": ratio("chat_unsupported_total", "chat_judged_total"),
}


def write_site(folder: Path) -> Path:
    """Write and return the starter's site file, with a flag and signals of our own."""
    file, *_ = write_starter(folder)
    (folder / "flags.json").write_text(json.dumps(FLAGS))
    limits = [
        {"id": f"{name}-limit", "signal": name, "test": {"compare": "limit", "max": "1%"}} for name in SIGNALS
    ]
    rule = {"id": "any", "when": {"any_of": [limit["id"] for limit in limits]}}
    guard = {"signals": SIGNALS, "criteria": limits, "rules": [rule]}
    rewrite(file, lambda playbook: {**playbook, **guard, "vetoes": [], "judgments": [], "occasions": {}})
    return file


def rewrite(site: Path, how: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Write the site's playbook anew."""
    playbook = site.parent / "my-playbooks" / "conversational-agent.yaml"
    # JSON is YAML, and keeps the order.
    playbook.write_text(json.dumps(how(YAML(typ="safe").load(playbook.read_text()))))


async def look(
    site: Path,
    *,
    release: str | None,
    service: str = "",
    environ: dict[str, str] | None = None,
    has_playbooks: bool = True,
) -> Report:
    """Look at the systems of a site; it has no playbooks where they cannot be read."""
    report, out = Report(), Out(release=release, service=service)
    at = read_site(site, environ or {})
    playbooks = load_deployment(at).playbooks if has_playbooks else {}
    async with wiring.open_adapters(at) as adapters:
        await World(report, adapters, at=at, playbooks=playbooks, out=out).look()
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
    """Point the site at the service, and have patience with it on a busy machine."""
    change(site, "http://127.0.0.1:8000", service)
    change(site, "timeout: 2s", "timeout: 30s")
