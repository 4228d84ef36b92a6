"""What `backout release baseline` does: the record of the releases that were known to be good."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

import wiring
from backout.errors import BaselineInQuarantine, InvalidDocument
from backout.freezing import guards
from backout.misfits import misfits
from backout.model import Frozen
from backout.people import Actor, ReleaseRight
from backout.playbook import Playbook
from backout.ports import Quarantines
from backout.problems import spell
from backout.proof import moment
from backout.quarantining import against
from backout.release_rights import right_of
from backout.releases import BaselineRecord, ReleaseRecord, digests_of
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

    async def do() -> tuple[BaselineRecord, bool]:
        deployment = load_deployment(site_file(site, state))
        guarding = guards(named.service, deployment.playbooks, deployment.site.routes)
        actor = actor_of(deployment.site, chosen=named.person)
        _must_have_right(actor, named.service, guarding, deployment)
        baseline = _record(named, by=signed(actor))
        async with wiring.open_adapters(deployment.at) as adapters:
            registry = adapters.registry()
            kept = await registry.release(service=named.service, release=named.release)
            await _must_be_free(named, kept, adapters.quarantines())
            await registry.name_baseline(baseline=baseline)
        return baseline, kept is not None

    baseline, is_registered = run(do())
    if as_json:
        printing.as_json(baseline)
        return
    printing.line(
        f"{baseline.release} is the last known good release of {baseline.service}. Releases that are "
        "registered from now on are held against it, and no automation goes back to an older one."
    )
    if not is_registered:
        printing.line(
            f"It is not registered, so nobody knows its artifacts and their digests. See that the name is "
            f"right, or register it: backout release list --service {baseline.service}"
        )


async def _must_be_free(named: Named, kept: ReleaseRecord | None, quarantines: Quarantines) -> None:
    """See that neither the release nor anything that it is made of is quarantined.

    Raises:
        BaselineInQuarantine: something is.
    """
    in_force, digests = await quarantines.quarantines(service=None), digests_of(kept)
    for bad in against(in_force, service=named.service, release=named.release, digests=digests):
        why = f"{bad.service}/{bad.release} is quarantined since {moment(bad.at)}, {bad.why}"
        raise BaselineInQuarantine(service=named.service, release=named.release, why=why)


def _must_have_right(
    actor: Actor, service: str, guarding: Sequence[Playbook], deployment: Deployment
) -> None:
    """See that this person may name a baseline, where any role of the playbooks has that right.

    Raises:
        ActionRefused: others may.
    """
    right = ReleaseRight.BASELINE
    if any(playbook.holders(right) for playbook in guarding):
        right_of(actor, right, service=service, playbooks=guarding, people=deployment.site.people)


def show(service: str, *, site: Path | None, state: Path, as_json: bool) -> None:
    """Print the record of a service's baselines, the newest first."""

    async def ask() -> tuple[BaselineRecord, ...]:
        deployment = load_deployment(site_file(site, state))
        guards(service, deployment.playbooks, deployment.site.routes)
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
