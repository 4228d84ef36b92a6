"""The doctor at the systems around Backout: sources, targets, channels, checks, the store and the outbox."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from string import Template
from typing import Protocol, assert_never, runtime_checkable

from backout import ports
from backout.errors import BackoutError, Unreachable
from backout.playbook import Playbook
from backout.site import FlagdFileTarget, Site, SlackChannel, Target
from backout.steps import CheckStep, RevertStep
from cli.doctor.report import Report, patience
from deployment import SiteFile
from wiring import Adapters

_MOST_LETTERS = 1000
_NO_RELEASE = "none"


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
        release: str | None,
    ) -> None:
        """Look through these adapters; `release` is one that is out now."""
        self._report = report
        self._adapters = adapters
        self._at = at
        self._playbooks = playbooks
        self._release = release

    @property
    def _site(self) -> Site:
        return self._at.site

    async def look(self) -> None:
        """Look at everything."""
        for name, source in self._site.sources.items():
            with self._report.examining(f"source {name}"):
                await self._source(name, self._adapters.source(source))
        for name, target in self._site.targets.items():
            with self._report.examining(f"target {name}"):
                await self._target(name, target)
        for name, channel in self._site.channels.items():
            with self._report.examining(f"channel {name}"):
                await self._channel(name, self._adapters.channel(channel))
        for name, check in self._site.checks.items():
            with self._report.examining(f"check {name}"):
                await self._check(name, self._adapters.check(name, check))
        with self._report.examining("store"):
            await self._store()
        with self._report.examining("outbox"):
            await self._outbox()

    async def _source(self, name: str, source: ports.Source) -> None:
        what, asked, answered = f"source {name}", 0, 0
        for place, query, service in _queries(name, self._playbooks):
            needs_release = "$release" in query
            filled = Template(query).safe_substitute(service=service, release=self._release or _NO_RELEASE)
            try:
                async with patience():
                    count = await source.count(query=filled)
            except Unreachable:
                raise
            except BackoutError as error:
                self._report.fail(what, f"{place}: {error}")
                continue
            asked, answered = asked + 1, answered + (count is not None)
            if count is None and not (needs_release and self._release is None):
                self._report.warn(
                    what, f"{place}: nothing matches {filled}. Without data the signal is blind."
                )
            elif count is None:
                self._report.warn(
                    what, f"{place}: not tried, it asks for a release. Name one with --release."
                )
        if asked:
            self._report.ok(what, f"answers; {answered} of {asked} queries have data")
        else:
            self._report.warn(what, "No playbook asks it anything.")

    async def _target(self, name: str, config: Target) -> None:
        users = [
            playbook
            for playbook in self._playbooks.values()
            if any(isinstance(step, RevertStep) and step.target == name for step in playbook.steps)
        ]
        service = users[0].release.service if users else ""
        release = self._release or _baseline(config)
        async with patience():
            exposure = await self._adapters.target(config).read(service=service, release=release)
        self._report.ok(f"target {name}", f"{exposure.percent} % of traffic is on {release}")
        if not users:
            self._report.warn(f"target {name}", "No playbook reverts on it.")

    async def _channel(self, name: str, channel: ports.Channel) -> None:
        what = f"channel {name}"
        if isinstance(self._site.channels[name], SlackChannel):
            silent = [key for key, person in self._site.people.items() if person.slack is None]
            if silent:
                advice = "it cannot call them. Give them 'slack: U...' in the site file"
                self._report.warn(what, f"{', '.join(silent)} have no Slack member id: {advice}.")
        if isinstance(channel, SelfChecking):
            async with patience():
                self._report.ok(what, await channel.check())
        else:
            self._report.ok(what, "needs no access")

    async def _check(self, name: str, check: ports.Check) -> None:
        service = next(
            (
                playbook.release.service
                for playbook in self._playbooks.values()
                if any(isinstance(step, CheckStep) and name in step.checks for step in playbook.steps)
            ),
            "",
        )
        async with patience():
            result = await check.run(service=service, release=self._release or _NO_RELEASE)
        if self._release is None:
            self._report.ok(f"check {name}", "answers; what it says of a release is seen with --release")
        elif result.passed:
            self._report.ok(f"check {name}", f"passes for {self._release}: {result.found}")
        else:
            self._report.warn(f"check {name}", f"Does not pass for {self._release} now: {result.found}")

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


def _baseline(config: Target) -> str:
    match config:
        case FlagdFileTarget():
            return config.baseline
        case _:
            assert_never(config)


def _queries(source: str, playbooks: Mapping[str, Playbook]) -> Iterator[tuple[str, str, str]]:
    """Yield where a query stands, the query and the service that it is about."""
    for name, playbook in playbooks.items():
        service = playbook.release.service
        for signal_name, signal in playbook.signals.items():
            if signal.source == source:
                yield f"{name}, signal {signal_name}", signal.bad, service
                yield f"{name}, signal {signal_name}", signal.of, service
        counted = playbook.release.requests
        if counted and counted.source == source:
            yield f"{name}, release.requests", counted.query, service
