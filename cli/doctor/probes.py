"""The doctor at the probes: each asks the service once which release answers."""

from __future__ import annotations

from collections.abc import Mapping

from backout import ports
from backout.playbook import Playbook
from backout.probes import Probe
from backout.steps import ServedStep
from cli.doctor.report import Report, patience

_SESSION = "backout-doctor"


async def look_at_probe(
    report: Report, name: str, config: Probe, probe: ports.Probe, playbooks: Mapping[str, Playbook]
) -> None:
    """Ask once, and say what answered. Errors are those of the probe."""
    what, way = f"probe {name}", probe.way
    users = [one.release.service for one in playbooks.values() if name in _asked(one)]
    if not users:
        report.warn(what, "No playbook asks it.")
    service = next(iter([*users, *(one.release.service for one in playbooks.values())]), "")
    if not service and config.has("service"):
        report.warn(what, "Not asked: it asks for a service, and no playbook names one.")
        return
    async with patience():
        said = await probe.ask(service=service, session=_SESSION)
    kept = f", kept by a cache ({said.stale})" if said.stale else ""
    report.ok(what, f"{said.release or 'no release'} answered through {way.path}{kept}")


def _asked(playbook: Playbook) -> set[str]:
    return {name for step in playbook.steps if isinstance(step, ServedStep) for name in step.probes}
