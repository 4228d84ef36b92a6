"""What `backout release prove` does: ask whether a release is a proven baseline, without an incident."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import wiring
from backout.errors import BackoutError, NoProofAsked, ReleaseUnknown
from backout.freezing import guards
from backout.messages import CheckResult
from backout.model import Frozen
from backout.playbook import Playbook
from backout.proof import Proof, ProveBaseline
from backout.requests import RunCheck
from cli import printing
from cli.session import run, site_file
from deployment import Deployment, load_deployment


class Question(Frozen):
    """A release that somebody wants to know about."""

    service: str
    release: str
    instead_of: str
    """The release that would be reverted to it; empty where none is meant."""


class Proofs(Frozen):
    """What each playbook of a service would say of a release as its baseline."""

    proven: bool
    by_playbook: dict[str, Proof]


def prove(asked: Question, *, site: Path | None, state: Path, as_json: bool) -> bool:
    """Print whether a release is a proven baseline; return whether it is for every playbook that asks."""

    async def ask() -> Proofs:
        deployment = load_deployment(site_file(site, state))
        wanting = _wanting(asked.service, deployment)
        async with wiring.open_adapters(deployment.at) as adapters:
            await _must_be_registered(asked, adapters)
            proofs = {one.playbook: await _proof(one, asked, deployment, adapters) for one in wanting}
        return Proofs(proven=all(one.is_proven for one in proofs.values()), by_playbook=proofs)

    found = run(ask())
    if as_json:
        printing.as_json(found)
        return found.proven
    for name, proof in found.by_playbook.items():
        said = "is proven" if proof.is_proven else "is NOT proven"
        printing.line(f"{asked.service}/{asked.release} {said}, as playbook {name} asks for it:")
        for text in proof.shown:
            printing.line(f"  ok   {text}")
        for doubt in proof.doubts:
            printing.line(f"  FAIL {doubt.text}")
    return found.proven


async def _must_be_registered(asked: Question, adapters: wiring.Adapters) -> None:
    """See that the release that would be reverted is known. `ReleaseUnknown`: it is not."""
    place = {"service": asked.service, "release": asked.instead_of}
    if asked.instead_of and await adapters.registry().release(**place) is None:
        raise ReleaseUnknown(**place)


def _wanting(service: str, deployment: Deployment) -> Sequence[Playbook]:
    """Return the playbooks of a service that ask for a proven baseline.

    Raises:
        UnknownName: nothing guards such a service.
        NoProofAsked: none asks for it.
    """
    guarding = guards(service, deployment.playbooks, deployment.site.routes)
    wanting = [one for one in guarding if one.release.proven]
    if not wanting:
        raise NoProofAsked(service=service, playbooks=", ".join(one.playbook for one in guarding))
    return wanting


async def _proof(
    playbook: Playbook, asked: Question, deployment: Deployment, adapters: wiring.Adapters
) -> Proof:
    release = playbook.release
    assert release.proven is not None  # noqa: S101  # only those that want it come here
    name = release.requests.source if release.requests else ""
    sources = {name: adapters.source(deployment.site.sources[name])} if name else {}
    request = ProveBaseline(
        service=asked.service, release=asked.instead_of, wanted=release.proven, count=release.requests
    )
    proof = await adapters.witnesses(sources, adapters.store()).proof(request, of=asked.release)
    checks = [await _checked(check, asked, deployment, adapters) for check in release.proven.checks]
    return proof.checked(checks)


async def _checked(
    name: str, asked: Question, deployment: Deployment, adapters: wiring.Adapters
) -> CheckResult:
    request = RunCheck(check=name, service=asked.service, release=asked.release)
    try:
        result = await adapters.check(name, deployment.site.checks[name]).run(asked=request)
    except BackoutError as error:
        return CheckResult(check=name, passed=False, found=str(error))
    return result.model_copy(update={"check": name})
