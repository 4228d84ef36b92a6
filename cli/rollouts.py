"""What `backout release rollout` does: begin a rollout, and say what it takes."""

from __future__ import annotations

from pathlib import Path

import wiring
from backout.model import Frozen
from cli import printing
from cli.freezing import freeze_over
from cli.session import WITHIN_S, actor_of, connection, run, site_file
from deployment import load_deployment
from gateway.incidents import Incidents
from gateway.rollouts import Begun, RollOut, Rollouts


class Wanted(Frozen):
    """A rollout that a person wants."""

    service: str
    release: str
    why: str
    person: str | None


def begin(wanted: Wanted, *, site: Path | None, state: Path, as_json: bool) -> None:
    """Begin the rollout, or the re-release, of a release."""

    async def do() -> Begun:
        deployment = load_deployment(site_file(site, state))
        asked = RollOut(
            service=wanted.service,
            release=wanted.release,
            actor=actor_of(deployment.site, chosen=wanted.person),
            why=wanted.why,
        )
        client = await wiring.connect(connection(state))
        async with wiring.open_adapters(deployment.at) as adapters:
            rollouts = Rollouts(
                incidents=Incidents(client=client),
                registry=adapters.registry(),
                freeze=freeze_over(client, adapters, deployment),
                playbooks=deployment.playbooks,
            )
            return await rollouts.begin(asked, within_s=WITHIN_S)

    begun = run(do())
    if as_json:
        printing.as_json(begun)
        return
    stages = " -> ".join(f"{stage} %" for stage in begun.stages)
    approvals = f"{begun.quorum} approval{'s' if begun.quorum > 1 else ''} from {' or '.join(begun.roles)}"
    runs = "runs already" if begun.repeated else "has begun"
    printing.line(f"{begun.incident} {runs}, by playbook {begun.playbook} version {begun.version}: {stages}")
    printing.line(f"Steps: {', '.join(begun.steps)}. Nothing goes up before {approvals}.")
    printing.line(f"See what it waits for with 'backout incidents show {begun.incident}'.")
