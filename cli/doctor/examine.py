"""The doctor's round: from the site file outwards."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import httpx
from rich.table import Table

import wiring
from backout.doors import secrets_of
from backout.model import Frozen
from backout.playbook import Playbook
from backout.secret import SecretRef
from backout.site import PushSource, Site
from cli import printing
from cli.doctor.engine import look_at_engine
from cli.doctor.report import ASK_S, Finding, Report
from cli.doctor.slack import look_at_slack, slack_secrets
from cli.doctor.sources import Out
from cli.doctor.world import World
from cli.options import SITE
from cli.session import run
from cli.state import read_state
from deployment import Deployment, SiteFile, load_deployment, read_site
from telemetry import Address

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


class Health(Frozen):
    """The doctor's answer for machines."""

    ok: bool
    findings: tuple[Finding, ...]


def check_up(site: Path | None, *, state: Path, out: Out, runs_checks: bool, as_json: bool) -> bool:
    """Examine a site and print the findings; return whether nothing failed."""
    report = Report()
    run(_examine(report, site, state=state, out=out, runs_checks=runs_checks))
    if as_json:
        printing.as_json(Health(ok=report.is_well, findings=tuple(report.findings)))
    else:
        _print(report)
    return report.is_well


async def _examine(report: Report, site: Path | None, *, state: Path, out: Out, runs_checks: bool) -> None:
    running = read_state(state)
    file = site or Path(running.site if running else SITE)
    at: SiteFile | None = None
    with report.examining("site file"):
        at = read_site(file, os.environ)
        report.ok("site file", f"{at.file} is valid")
    await look_at_engine(report, state)
    if at is None:
        return
    playbooks: Mapping[str, Playbook] = {}
    with report.examining("playbooks"):
        deployment = load_deployment(at)
        playbooks = deployment.playbooks
        report.ok("playbooks", f"valid: {', '.join(playbooks)}")
        look_at_arming(report, deployment)
    look_at_people(report, at.site, playbooks)
    async with wiring.open_adapters(at) as adapters:
        world = World(report, adapters, at=at, playbooks=playbooks, out=out, runs_checks=runs_checks)
        await world.look()
        await look_at_slack(report, at.site, adapters.slack_calls)
    look_at_doors(report, at)
    await _gateway(report, running.gateway if running else f"http://{_listens(at)}")


def _listens(at: SiteFile) -> Address:
    return Address(host=at.site.gateway.host, port=at.site.gateway.port)


def look_at_arming(report: Report, deployment: Deployment) -> None:
    """Say which rules do not revert by themselves, although their playbook says so."""
    for name, rules in deployment.disarmed.items():
        for rule, why in rules.items():
            advice = "Arm it with 'backout backtest ... --record'."
            report.warn(
                f"rule {rule} of {name}", f"Asks for approval instead of reverting by itself: {why}. {advice}"
            )


def look_at_people(report: Report, site: Site, playbooks: Mapping[str, Playbook]) -> None:
    """See that no role hangs on one person alone; one that nobody fills is refused with its playbook."""
    for name, playbook in playbooks.items():
        filled = {role: site.members(role) for role in playbook.roles}
        people = "; ".join(f"{role}: {', '.join(members)}" for role, members in filled.items())
        report.ok(f"roles of {name}", people)
        if alone := ", ".join(role for role, members in filled.items() if len(members) == 1):
            advice = "Name somebody for their absence."
            report.warn(f"roles of {name}", f"One person alone fills {alone}. {advice}")


def look_at_doors(report: Report, at: SiteFile) -> None:
    """See that the secret of every door is there."""
    doors = at.site.gateway
    secrets: dict[str, tuple[SecretRef, ...]] = {
        **{f"/alerts/{sender}": secrets_of(door) for sender, door in doors.alerts.open.items()},
    }
    secrets |= dict([slack_secrets(doors.slack)])
    secrets |= {} if doors.alerts.open else {"/alerts": ()}
    secrets |= (
        {"/releases, /rollouts, /events and /freeze": (doors.releases.token,)} if doors.releases else {}
    )
    for name, config in at.site.sources.items():
        secrets |= {f"/signals ({name})": (config.token,)} if isinstance(config, PushSource) else {}
    for door, refs in secrets.items():
        with report.examining(f"door {door}"):
            if not refs:
                report.warn(f"door {door}", "Closed: the site file names no secret for it.")
            for ref in refs:
                at.secret(ref)
                report.ok(f"door {door}", f"its secret is {ref.place}")


async def _gateway(report: Report, url: str) -> None:
    try:
        async with httpx.AsyncClient(timeout=ASK_S, trust_env=False) as client:
            answer = await client.get(f"{url}/healthz")
    except httpx.HTTPError:
        report.warn(
            "gateway", f"None answers at {url}: no alert comes in. Start 'backout up' or 'backout gateway'."
        )
    else:
        said = "answers" if answer.is_success else f"answers, but is not well: {answer.text[:200]}"
        (report.ok if answer.is_success else report.warn)("gateway", f"{url} {said}")


def _print(report: Report) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in report.findings:
        word = "FAIL" if finding.level == "fail" else finding.level
        table.add_row(
            printing.styled(word, _STYLES[finding.level]), *printing.cells(finding.what, finding.found)
        )
    printing.show(table)
    failed = sum(finding.level == "fail" for finding in report.findings)
    warned = sum(finding.level == "warn" for finding in report.findings)
    printing.line(f"{failed} failed, {warned} warnings." if failed or warned else "Everything is well.")
