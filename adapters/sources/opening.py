"""The sources that a site file names.

What talks to a vendor is imported where it is built: a site pays only for what it names.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, assert_never

from backout import ports
from backout.secret import SecretRef
from backout.site import ExpositionSource, PrometheusSource, PushSource, ReportSource, Source, SqlSource

if TYPE_CHECKING:
    from adapters.fetch import Access
    from backout.secret import BasicAuth


class AccessTo(Protocol):
    """Looks up what lets us into a system, which its part of the site file only names."""

    def __call__(
        self,
        token: SecretRef | None,
        basic: BasicAuth | None,
        ca: str | None,
        client_cert: str | None,
        client_key: str | None,
    ) -> Access:
        """Return it. `SecretMissing`, `FileUnreadable`: some of it is not there."""


def open_source(
    config: Source, *, access: AccessTo, secret: Callable[[SecretRef], str], path: Callable[[str], Path]
) -> ports.Source:
    """Return a source.

    Raises:
        SecretMissing: what lets us in is not there.
        FileUnreadable: its certificates are not there.
    """
    match config:
        case ExpositionSource():
            from adapters.sources.exposition import ExpositionMetrics  # noqa: PLC0415  # see the module's docstring

            token = secret(config.token) if config.token else None
            return ExpositionMetrics(config.url, config.timeout, token)
        case PrometheusSource():
            from adapters.sources.prometheus import PrometheusApi  # noqa: PLC0415  # see the module's docstring

            files = (config.ca, config.client_cert, config.client_key)
            return PrometheusApi(config.url, config.timeout, access(config.token, config.basic, *files))
        case PushSource():
            from adapters.sources.push import PushedCounts  # noqa: PLC0415  # see the module's docstring

            return PushedCounts(str(path(config.path)))
        case SqlSource():
            from adapters.sources.sql import SqlCounts  # noqa: PLC0415  # see the module's docstring

            return SqlCounts(secret(config.url), config.timeout)
        case ReportSource():
            from adapters.sources.report import Reports  # noqa: PLC0415  # see the module's docstring

            return Reports(str(path(config.path)), keep=config.keep)
        case _:
            assert_never(config)
