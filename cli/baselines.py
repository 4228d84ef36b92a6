"""What `backout release baseline` does: the record of the releases that were known to be good."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

import wiring
from backout.errors import InvalidDocument, UnknownName
from backout.misfits import misfits
from backout.model import Frozen
from backout.problems import spell
from backout.releases import BaselineRecord
from cli import printing
from cli.releasing import signed
from cli.session import actor_of, run, site_file
from deployment import Deployment, load_deployment


class Named(Frozen):
    """A baseline that a person names."""

    service: str
    release: str
    why: str
    person: str | None


def name(named: Named, *, site: Path | None, state: Path, as_json: bool) -> None:
    """Put a baseline on record."""

    async def do() -> BaselineRecord:
        deployment = load_deployment(site_file(site, state))
        _known(named.service, deployment)
        baseline = _record(named, by=signed(actor_of(deployment.site, chosen=named.person)))
        async with wiring.open_adapters(deployment.at) as adapters:
            await adapters.registry().name_baseline(baseline=baseline)
        return baseline

    baseline = run(do())
    if as_json:
        printing.as_json(baseline)
    else:
        printing.line(
            f"{baseline.release} is the last known good release of {baseline.service}. Releases that are "
            "registered from now on are held against it."
        )


def show(service: str, *, site: Path | None, state: Path, as_json: bool) -> None:
    """Print the record of a service's baselines, the newest first."""

    async def ask() -> tuple[BaselineRecord, ...]:
        deployment = load_deployment(site_file(site, state))
        _known(service, deployment)
        async with wiring.open_adapters(deployment.at) as adapters:
            return await adapters.registry().baselines(service=service)

    baselines = run(ask())
    if as_json:
        printing.as_json(baselines)
    elif not baselines:
        printing.line(f"No release of {service} is named as known to be good.")
    else:
        table = printing.table("Named", "Release", "By", "Why")
        for one in baselines:
            table.add_row(*printing.cells(printing.moment(one.at), one.release, one.by, one.why))
        printing.show(table)


def _record(named: Named, *, by: str) -> BaselineRecord:
    told = {"service": named.service, "release": named.release, "by": by, "why": named.why}
    try:
        return BaselineRecord.model_validate(told | {"at": datetime.now(UTC)})
    except ValidationError as error:
        found = misfits(error, BaselineRecord)
        raise InvalidDocument(f"{spell(one.path)}: {one.message}" for one in found) from error


def _known(service: str, deployment: Deployment) -> None:
    """See that a playbook guards the service. `UnknownName`: none does."""
    services = {playbook.release.service for playbook in deployment.playbooks.values()}
    if service not in services:
        raise UnknownName(kind="service", name=service, known=services)
