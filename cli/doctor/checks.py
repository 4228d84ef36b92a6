"""The doctor at the integrity checks: those that only look are run, the others only where it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from backout import ports
from backout.checks import Check, effect
from backout.guard import Place
from backout.playbook import Playbook
from backout.requests import RunCheck
from backout.steps import CheckStep, RevertStep
from cli.doctor.report import ASK_S, Report
from cli.doctor.sources import Out

_NO_RELEASE = "none"


class CheckLook:
    """Looks at the checks of a site, each on its own."""

    def __init__(
        self,
        report: Report,
        *,
        playbooks: Mapping[str, Playbook],
        places: Mapping[str, Place],
        out: Out,
        runs_all: bool,
    ) -> None:
        """Report on them; `out` is the release that is out, and `runs_all` lets checks change something."""
        self._report = report
        self._playbooks = playbooks
        self._places = places
        self._out = out
        self._runs_all = runs_all

    async def at(self, name: str, config: Check, check: ports.Check) -> None:
        """Run a check once. Errors are those of the check."""
        what = f"check {name}"
        users = [one.release.service for one in self._playbooks.values() if name in _checks(one)]
        if not users:
            self._report.warn(what, "No playbook runs it.")
        service = next(iter([*users, *self._places]), "")
        if not service:
            return
        if (changes := effect(config)) and not self._runs_all:
            self._report.ok(what, f"not run, as {changes}; --run-checks runs it")
            return
        baseline = self._places[service].baseline
        release = self._out.of(service)
        asked = RunCheck(
            check=name, service=service, release=release or _NO_RELEASE, baseline=baseline, key="doctor"
        )
        # A check says itself when it has waited long enough.
        async with asyncio.timeout(config.timeout.total_seconds() + ASK_S):
            result = await check.run(asked=asked)
        about = baseline if config.of == "baseline" else release
        if about is None:
            self._report.ok(what, "answers; what it says of a release is seen with --release")
        elif result.passed:
            self._report.ok(what, f"passes for {about}: {result.found}")
        else:
            self._report.warn(what, f"Does not pass for {about or service} now: {result.found}")


def _checks(playbook: Playbook) -> Iterator[str]:
    """Yield the checks that a playbook runs."""
    yield from playbook.release.proven.checks if playbook.release.proven else ()
    for step in (*playbook.steps, *playbook.rollout):
        if isinstance(step, CheckStep):
            yield from step.checks
        elif isinstance(step, RevertStep) and step.capacity:
            yield from step.capacity.checks
