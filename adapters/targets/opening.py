"""The targets that a site file names.

What talks to a vendor is imported where it is built: a site pays only for what it names.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, assert_never

from backout import ports, targets

if TYPE_CHECKING:
    from adapters.fetch import Access
    from backout.secret import BasicAuth, SecretRef


class AccessTo(Protocol):
    """Looks up what lets us into a system, which its part of the site file only names."""

    def __call__(
        self, token: SecretRef | None, basic: BasicAuth | None = None, ca: str | None = None
    ) -> Access:
        """Return it. `SecretMissing`, `FileUnreadable`: some of it is not there."""


def open_target(config: targets.Target, *, access: AccessTo, path: Callable[[str], Path]) -> ports.Target:
    """Return a target.

    Raises:
        SecretMissing: its token or password is not there.
        FileUnreadable: its certificates are not there.
    """
    match config:
        case targets.FlagdFileTarget():
            from adapters.targets.flagd_file import FlagdFile  # noqa: PLC0415  # see the module's docstring

            return FlagdFile(str(path(config.path)), config.flag, config.baseline, config.by)
        case targets.HaproxyTarget():
            return _haproxy(config, path)
        case targets.HttpRouteTarget():
            from adapters.targets.httproute import HttpRouteWeights  # noqa: PLC0415  # see the module's docstring

            return HttpRouteWeights(config, access(config.token, ca=config.ca))
        case targets.HttpTarget():
            from adapters.targets.http import HttpTarget  # noqa: PLC0415  # see the module's docstring

            return HttpTarget(
                config.url, config.timeout, access(config.token, ca=config.ca), config.capability
            )
        case targets.MlflowTarget():
            from adapters.targets.mlflow import MlflowAlias  # noqa: PLC0415  # see the module's docstring

            return MlflowAlias(config, access(config.token, config.basic, config.ca))
        case targets.UnleashTarget():
            from adapters.targets.unleash import UnleashRollout  # noqa: PLC0415  # see the module's docstring

            return UnleashRollout(config, access(config.token, ca=config.ca))
        case _:
            assert_never(config)


def _haproxy(config: targets.HaproxyTarget, path: Callable[[str], Path]) -> ports.Target:
    from adapters.targets.haproxy import Haproxy  # noqa: PLC0415  # see the module's docstring

    return Haproxy(
        str(path(config.socket)) if "/" in config.socket else config.socket,
        config.backend,
        candidate=config.candidate,
        baseline=config.baseline,
        timeout=config.timeout,
    )
