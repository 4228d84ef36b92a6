"""The doctor at the systems around Backout: sources, targets, channels, checks, the store and the outbox."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol, assert_never, runtime_checkable

from backout import ports
from backout.errors import UnknownName
from backout.guard import Place
from backout.playbook import Playbook
from backout.rotas import Rota
from backout.site import (
    Channel,
    MailChannel,
    PagerDutyChannel,
    Site,
    SlackChannel,
    SlackDirectChannel,
    TerminalChannel,
    WebhookChannel,
)
from backout.steps import RevertStep, StagedStep, Step
from backout.targets import (
    FlagdFileTarget,
    HaproxyTarget,
    HttpRouteTarget,
    HttpTarget,
    MlflowTarget,
    Target,
    UnleashTarget,
)
from cli.doctor.checks import CheckLook
from cli.doctor.probes import look_at_probe
from cli.doctor.report import Report, patience
from cli.doctor.sources import Out, SourceLook
from cli.rotas import ask
from deployment import SiteFile
from wiring import Adapters

_MOST_LETTERS = 1000


@runtime_checkable
class SelfChecking(Protocol):
    """A channel that can say whether it would be let in, without posting."""

    async def check(self) -> str:
        """Return as whom it is let in. `RejectedBySystem`, `Unreachable`: it is not."""


class World:
    """Looks at a site's systems, each on its own."""

    def __init__(
        self,
        report: Report,
        adapters: Adapters,
        *,
        at: SiteFile,
        playbooks: Mapping[str, Playbook],
        out: Out,
        runs_checks: bool = False,
    ) -> None:
        """Look through these adapters; `out` is the release that is out now.

        `runs_checks`: run the checks that change something, too.
        """
        self._report = report
        self._adapters = adapters
        self._at = at
        self._playbooks = playbooks
        self._out = out
        self._runs_checks = runs_checks

    @property
    def _site(self) -> Site:
        return self._at.site

    async def look(self) -> None:
        """Look at everything."""
        places = await self._places()
        checks = CheckLook(
            self._report,
            playbooks=self._playbooks,
            places=places,
            out=self._out,
            runs_all=self._runs_checks,
        )
        for name, config in self._site.sources.items():
            look = SourceLook(self._report, name, config, playbooks=self._playbooks, places=places)
            with self._report.examining(f"source {name}"):
                await look.at(self._adapters.source(config))
        for name, target in self._site.targets.items():
            with self._report.examining(f"target {name}"):
                await self._target(name, target, places)
        for name, channel in self._site.channels.items():
            with self._report.examining(f"channel {name}"):
                await self._channel(name, self._adapters.channel(channel))
        for name, rota in self._site.rotas.items():
            with self._report.examining(f"rota {name}"):
                await self._rota(name, rota)
        for name, check in self._site.checks.items():
            with self._report.examining(f"check {name}"):
                await checks.at(name, check, self._adapters.check(name, check))
        for name, probe in self._site.probes.items():
            with self._report.examining(f"probe {name}"):
                opened = self._adapters.probe(name, probe)
                await look_at_probe(self._report, name, probe, opened, self._playbooks)
        with self._report.examining("store"):
            await self._store()
        with self._report.examining("outbox"):
            await self._outbox()

    async def _places(self) -> dict[str, Place]:
        """Return the release that is out now and its baseline, by service."""
        services = {playbook.release.service for playbook in self._playbooks.values()}
        with self._report.examining("release"):
            if self._out.service not in {"", *services}:
                raise UnknownName(kind="service", name=self._out.service, known=services)
        places = {service: self._out.place(service, "") for service in services}
        with self._report.examining("registry"):
            registry = self._adapters.registry()
            for service in sorted(services):
                if named := await registry.baselines(service=service):
                    places[service] = self._out.place(service, named[0].release)
        return places

    async def _target(self, name: str, config: Target, places: Mapping[str, Place]) -> None:
        if readied := [one.release.service for one in self._playbooks.values() if name in _readied(one)]:
            await self._capacity(name, config, places[readied[0]])
            return
        users = [playbook for playbook in self._playbooks.values() if name in _changed(playbook)]
        service = users[0].release.service if users else ""
        baseline = places[service].baseline if users else ""
        out = self._out.of(service)
        release = out or _stands_in(config) or baseline
        if not release:
            self._report.warn(f"target {name}", "It is asked for a release. Name one with --release.")
            return
        async with patience():
            exposure = await self._adapters.target(config).read(service=service, release=release)
        self._report.ok(f"target {name}", f"{exposure.percent} % of traffic is on {release}")
        if not users:
            self._report.warn(f"target {name}", "No playbook changes it.")
        back_to = goes_back_to(config)
        if back_to and baseline and baseline not in {back_to, out}:
            advice = "Change its 'baseline' in the site file, unless both are the same."
            known = f"the last known good release of {service} is {baseline}"
            self._report.warn(f"target {name}", f"At 0 % traffic goes to {back_to}, but {known}. {advice}")

    async def _capacity(self, name: str, config: Target, place: Place) -> None:
        """Read how much capacity the baseline has: the target is never asked for the candidate."""
        if not place.baseline:
            advice = "Name that with 'backout release baseline'."
            self._report.warn(f"target {name}", f"It is asked for the last known good release. {advice}")
            return
        async with patience():
            found = await self._adapters.target(config).read(service=place.service, release=place.baseline)
        self._report.ok(f"target {name}", f"{place.baseline} has {found.percent} % of its capacity")

    async def _channel(self, name: str, channel: ports.Channel) -> None:
        what = f"channel {name}"
        silent, lacks, give = _silent(self._site, self._site.channels[name])
        if silent:
            advice = f"it cannot call them. Give them '{give}' in the site file"
            self._report.warn(what, f"{', '.join(silent)} have no {lacks}: {advice}.")
        if isinstance(channel, SelfChecking):
            async with patience():
                self._report.ok(what, await channel.check())
        else:
            self._report.ok(what, "needs no access")

    async def _rota(self, name: str, config: Rota) -> None:
        now = await ask(name, config, self._adapters.rota(config), self._site, datetime.now(UTC))
        who, then = now.spell(self._site)
        if now.people:
            self._report.ok(f"rota {name}", f"on call now: {who}; then: {then}")
        else:
            advice = "A level that calls by it alone is passed over."
            self._report.warn(f"rota {name}", f"Nobody is on call now; then: {then}. {advice}")

    async def _store(self) -> None:
        config = self._site.store
        async with patience():
            newest = await self._adapters.store().incidents(limit=1)
        last = f"; the newest incident is {newest[0].incident}" if newest else ""
        self._report.ok("store", f"{self._at.path(config.path)} can be written{last}")
        folder = self._at.path(config.documents)
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        if not os.access(existing, os.W_OK | os.X_OK):
            self._report.fail("documents", f"{folder} cannot be written by this account. Change its owner.")

    async def _outbox(self) -> None:
        outbox = self._adapters.outbox()
        async with patience():
            depth, dead = await outbox.depth(), len(await outbox.dead(limit=_MOST_LETTERS))
        if depth:
            self._report.warn("outbox", f"{depth} alerts wait. See that gateway and engine run.")
        if dead:
            self._report.warn("outbox", f"{dead} dead letters. See why: backout alerts dead")
        if not depth and not dead:
            self._report.ok("outbox", "nothing waits, and there are no dead letters")


def _silent(site: Site, channel: Channel) -> tuple[list[str], str, str]:
    """Return the people whom a channel cannot call, what they lack, and what to give them."""
    people = site.people.items()
    match channel:
        case SlackChannel() | SlackDirectChannel():
            return [key for key, one in people if one.slack is None], "Slack member id", "slack: U..."
        case MailChannel():
            return [key for key, one in people if one.email is None], "e-mail address", "email: ..."
        case PagerDutyChannel() | WebhookChannel() | TerminalChannel():
            return [], "", ""
        case _:
            assert_never(channel)


def goes_back_to(config: Target) -> str:
    """Return the release to which a target's traffic goes at 0 %; empty where the site file does not say."""
    match config:
        case FlagdFileTarget() | MlflowTarget():
            return config.baseline
        case HaproxyTarget() | HttpRouteTarget() if "$release" in config.candidate:
            return _stands_in(config) or ""
        case _:
            return ""


def _stands_in(config: Target) -> str | None:
    """Return the release to read where none is named, as far as the site file knows one."""
    match config:
        case FlagdFileTarget() | MlflowTarget():
            return config.baseline
        case HaproxyTarget() | HttpRouteTarget():
            before, placeholder, after = config.candidate.partition("$release")
            return config.baseline.removeprefix(before).removesuffix(after) if placeholder else before
        case HttpTarget() | UnleashTarget():
            return None
        case _:
            assert_never(config)


def _changed(playbook: Playbook) -> set[str]:
    """Return the targets that hold exposure which a playbook changes, or what is milder than that."""
    parts = {
        part.target for step in _all_steps(playbook) if isinstance(step, StagedStep) for part in step.parts
    }
    others = (one for step in playbook.steps if isinstance(step, RevertStep) for one in step.alternatives)
    return parts | {part.target for one in others for part in one.targets}


def _readied(playbook: Playbook) -> set[str]:
    """Return the targets that hold the baseline's capacity."""
    steps = (step for step in playbook.steps if isinstance(step, RevertStep))
    return {step.capacity.target for step in steps if step.capacity}


def _all_steps(playbook: Playbook) -> tuple[Step, ...]:
    return (*playbook.steps, *playbook.rollout)
