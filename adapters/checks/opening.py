"""The integrity checks that a site file names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from adapters.checks.http import HttpChecker
from adapters.checks.subject import Subject
from adapters.fetch import Access
from backout import checks, ports
from backout.secret import SecretRef


@dataclass(frozen=True)
class Reach:
    """What checks are built from, beside their own settings."""

    secret: Callable[[SecretRef], str]
    path: Callable[[str], Path]
    source: Callable[[str], ports.Source]
    registry: Callable[[], ports.Registry]

    def access(self, token: SecretRef | None) -> Access:
        """Return what lets us into a system."""
        return Access(token=self.secret(token) if token else None)


def open_check(name: str, config: checks.Check, reach: Reach) -> Subject:
    """Return a check. `SecretMissing`, `FileUnreadable`: what it needs to be let in is not there."""
    return Subject(_open(name, config, reach), of=config.of, every=config.every)


def _open(name: str, config: checks.Check, reach: Reach) -> ports.Check:
    match config:
        case checks.HttpCheck():
            return HttpChecker(
                name, config.url, config.timeout, config.status, config.expect, reach.access(config.token)
            )
        case _:
            raise NotImplementedError
