"""What `backout release frozen`, `quarantined`, `quarantine` and `lift` do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from temporalio.client import Client

import wiring
from activities.quarantining import quarantine as quarantine_release
from backout.addressing import short_of
from backout.errors import NothingQuarantined
from backout.freezing import FreezeAnswer, FreezeQuestion, guards
from backout.model import Frozen
from backout.people import ReleaseRight
from backout.quarantining import Quarantined, QuarantineRelease, standing
from backout.release_rights import right_of
from backout.releases import Quarantine, described
from backout.view import incident_id
from cli import printing
from cli.session import WITHIN_S, actor_of, connection, run, site_file
from deployment import Deployment, load_deployment
from gateway.bodies import fitted
from gateway.freezing import Freeze
from gateway.incidents import Incidents


class Decision(Frozen):
    """What a person decides about a release's quarantine."""

    service: str
    release: str
    why: str
    person: str | None


def freeze_over(client: Client, adapters: wiring.Adapters, deployment: Deployment) -> Freeze:
    """Return the freeze of a site, over this engine."""
    return Freeze(
        incidents=Incidents(client=client),
        quarantines=adapters.quarantines(),
        registry=adapters.registry(),
        playbooks=deployment.playbooks,
        routes=deployment.site.routes,
    )


def frozen(
    service: str,
    *,
    release: str | None,
    digests: Sequence[str],
    site: Path | None,
    state: Path,
    as_json: bool,
) -> bool:
    """Print whether something may be released now; return whether it may not."""

    async def ask() -> FreezeAnswer:
        told = {"service": service, "release": release, "digest": digests}
        asked = fitted(told, FreezeQuestion)
        deployment = load_deployment(site_file(site, state))
        client = await wiring.connect(connection(state), lazy=True)
        async with wiring.open_adapters(deployment.at) as adapters:
            return await freeze_over(client, adapters, deployment).ask(asked, within_s=WITHIN_S)

    answer = run(ask())
    if as_json:
        printing.as_json(answer)
    elif answer.frozen:
        for one in answer.because:
            printing.line(f"FROZEN: {one.says}")
    else:
        printing.line(f"{service}{f'/{release}' if release else ''} is not frozen.")
    return answer.frozen


def lift(meant: Decision, *, site: Path | None, state: Path, as_json: bool) -> None:
    """Lift the quarantines of a release, by the right of who acts."""

    async def do() -> tuple[Quarantine, ...]:
        deployment, by = _by_right(meant, site, state)
        async with wiring.open_adapters(deployment.at) as adapters:
            store, at = adapters.quarantines(), datetime.now(UTC)
            place = {"service": meant.service, "release": meant.release}
            kept = await store.quarantines(service=meant.service)
            if not await store.lift(**place, by=by, why=meant.why, at=at):
                raise NothingQuarantined(**place)
        lifted = {"lifted_at": at, "lifted_by": by, "lifted_why": meant.why}
        return tuple(one.model_copy(update=lifted) for one in kept if one.release == meant.release)

    lifted = run(do())
    if as_json:
        printing.as_json(lifted)
    else:
        printing.line(
            f"{meant.service}/{meant.release} may be released again; on record: {lifted[0].lifted_by}"
        )


def quarantine(meant: Decision, *, site: Path | None, state: Path, as_json: bool) -> None:
    """Quarantine a release by hand, as its incident would have."""

    async def do() -> Quarantined:
        deployment, by = _by_right(meant, site, state)
        request = QuarantineRelease(
            service=meant.service,
            release=meant.release,
            incident=incident_id(meant.service, meant.release),
            why=f"{by}: {meant.why}",
            at=datetime.now(UTC),
        )
        async with wiring.open_adapters(deployment.at) as adapters:
            return await quarantine_release(
                request, quarantines=adapters.quarantines(), registry=adapters.registry()
            )

    found = run(do())
    if as_json:
        printing.as_json(found)
        return
    place = f"{meant.service}/{meant.release}"
    if found.before:
        what = ", ".join(map(described, found.artifacts)) or "its name alone"
        printing.line(f"{place} was quarantined already, {standing(found.before)}: {what}")
        printing.line("Nothing was changed. To quarantine it as it is known now, lift that one first.")
        return
    what = ", ".join(map(described, found.artifacts)) or "its name alone, as no part of its own is known"
    printing.line(f"{place} must not be released again: {what}")
    for one in found.spared:
        printing.line(f"left free, as {' and '.join(found.good)} has it too: {described(one)}")


def quarantined(service: str | None, *, site: Path | None, state: Path, as_json: bool) -> None:
    """Print what is quarantined now, the newest first."""

    async def ask() -> tuple[Quarantine, ...]:
        async with wiring.open_adapters(site_file(site, state)) as adapters:
            return await adapters.quarantines().quarantines(service=service)

    kept = run(ask())
    if as_json:
        printing.as_json(kept)
    elif not kept:
        printing.line("Nothing is quarantined.")
    else:
        table = printing.table("Service", "Release", "Since", "Incident", "Why", "Artifacts")
        for one in kept:
            parts = ", ".join(map(described, one.artifacts)) or "(its name alone)"
            since, incident = printing.moment(one.at), short_of(one.incident)
            table.add_row(*printing.cells(one.service, one.release, since, incident, one.why, parts))
        printing.show(table)


def _by_right(meant: Decision, site: Path | None, state: Path) -> tuple[Deployment, str]:
    """Return the site and who acts, by which right.

    Raises:
        UnknownName: nothing guards such a service.
        ActionRefused: they have no right to it.
    """
    deployment = load_deployment(site_file(site, state))
    guarding = guards(meant.service, deployment.playbooks, deployment.site.routes)
    actor = actor_of(deployment.site, chosen=meant.person)
    right = right_of(
        actor,
        ReleaseRight.LIFT,
        service=meant.service,
        playbooks=guarding,
        people=deployment.site.people,
    )
    return deployment, actor.signed(right)
