"""The integrity checks that a site file names."""

from __future__ import annotations

from adapters.checks.http import HttpChecker
from backout import checks, ports


def open_check(name: str, config: checks.Check) -> ports.Check:
    """Return a check."""
    return HttpChecker(
        name=name, url=config.url, timeout=config.timeout, status=config.status, expect=config.expect
    )
