"""The integrity checks that a playbook runs, held against those of the site."""

from __future__ import annotations

from collections.abc import Iterator

from backout.checks import effect
from backout.model import format_duration
from backout.playbook import Playbook
from backout.problems import Path, Problem
from backout.site import Site
from backout.steps import CheckStep, RevertStep


def check_step_problems(playbook: Playbook, site: Site | None) -> Iterator[Problem]:
    """Yield checks that cannot be over in their step's window, and those that would spoil the baseline."""
    if site is None:
        return
    for part in ("steps", "rollout"):
        for i, step in enumerate(getattr(playbook, part)):
            if isinstance(step, CheckStep):
                yield from _windows((part, i, "checks"), step, site)
            elif isinstance(step, RevertStep) and step.capacity:
                yield from _changes((part, i, "capacity", "checks"), step.capacity.checks, site)
    if playbook.release.proven:
        yield from _changes(("release", "proven", "checks"), playbook.release.proven.checks, site)


def _windows(path: Path, step: CheckStep, site: Site) -> Iterator[Problem]:
    for j, name in enumerate(step.checks):
        check = site.checks.get(name)
        if check and check.timeout > step.within:
            takes, within = format_duration(check.timeout), format_duration(step.within)
            msg = f"one look may take {takes}, and the step's window is over after {within}; make it longer"
            yield Problem(path=(*path, j), message=msg, severity="warning")


def _changes(path: Path, names: tuple[str, ...], site: Site) -> Iterator[Problem]:
    for j, name in enumerate(names):
        check = site.checks.get(name)
        if check and check.kind in {"outputs", "purged"} and (changes := effect(check)):
            msg = f"{changes}, and here the last known good release is only looked at; name another check"
            yield Problem(path=(*path, j), message=msg)
