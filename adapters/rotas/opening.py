"""Every kind of rota that a site file can name, as what asks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, assert_never

from adapters.rotas.opsgenie import OpsgenieSchedule
from adapters.rotas.pagerduty import PagerDutySchedule
from adapters.rotas.weekly import SiteRota
from backout.rotas import OpsgenieRota, PagerDutyRota, Rota, WeeklyRota
from backout.secret import SecretRef

Opened: TypeAlias = SiteRota | PagerDutySchedule | OpsgenieSchedule


def open_rota(config: Rota, *, secret: Callable[[SecretRef], str]) -> Opened:
    """Return what asks a rota. `SecretMissing`, `FileUnreadable`: its token is not there."""
    match config:
        case WeeklyRota():
            return SiteRota(config)
        case PagerDutyRota():
            return PagerDutySchedule(config.schedule, secret(config.token), config.timeout, config.url)
        case OpsgenieRota():
            return OpsgenieSchedule(config.schedule, secret(config.token), config.timeout, config.url)
        case _:
            assert_never(config)
