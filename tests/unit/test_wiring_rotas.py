"""Each kind of rota of a site file becomes its adapter, and the worker's pages ask it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import wiring
from activities.people import PeopleActivities
from adapters.rotas.opsgenie import OpsgenieSchedule
from adapters.rotas.pagerduty import PagerDutySchedule
from adapters.rotas.weekly import SiteRota
from backout.errors import SecretMissing
from backout.escalation import Level
from backout.requests import PagePeople
from cli.starter import write_starter
from deployment import SiteFile, load_deployment, read_site
from tests.unit.attempts import done
from tests.unit.views import briefing

ROTAS = """
rotas:
  primary: {kind: weekly, people: [colleague], start: 2026-01-05, handover: "09:00", zone: UTC}
  secondary: {kind: pagerduty, schedule: P1, token: {env: PD}, timeout: 2s}
  tertiary: {kind: opsgenie, schedule: s, token: {env: GENIE}, timeout: 2s}
calendars:
  never: {zone: UTC, hours: {monday: {start: "09:00", end: "09:01"}}, holidays: [2026-01-12]}
"""
MONDAY = datetime(2026, 1, 12, 9, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the starter's site file with rotas, which has addresses."""
    site, *_ = write_starter(tmp_path)
    text = site.read_text().replace("  me:\n", "  me:\n    email: me@example.com\n    pagerduty: PME\n")
    site.write_text(text + ROTAS)
    return site


def at(file: Path, **environ: str) -> SiteFile:
    return read_site(file, environ)


async def test_each_kind_of_rota_becomes_its_adapter(file: Path) -> None:
    async with wiring.open_adapters(at(file, PD="t", GENIE="k")) as adapters:
        kinds = {name: type(rota) for name, rota in adapters.rotas().items()}
    assert kinds == {"primary": SiteRota, "secondary": PagerDutySchedule, "tertiary": OpsgenieSchedule}


async def test_a_rota_without_its_token_is_refused(file: Path) -> None:
    async with wiring.open_adapters(at(file, PD="t")) as adapters:
        with pytest.raises(SecretMissing, match="GENIE"):
            adapters.rotas()


async def test_the_worker_pages_whoever_is_on_call_within_the_hours_of_the_site(file: Path) -> None:
    deployment = load_deployment(at(file, PD="t", GENIE="k"))
    async with wiring.open_activities(deployment, ui="") as activities:
        (page,) = (one for one in activities if one.__name__ == PeopleActivities.page_people.__name__)
        ask = {"channel": "incidents", "roles": (), "why": "rule fired", "brief": briefing(), "at": MONDAY}
        level = Level.model_validate({"rotas": ["primary"], "wait": "5m"})
        called = await done(page, PagePeople.model_validate({**ask, "levels": (level,)}))
        office = level.model_copy(update={"hours": "never"})
        passed = await done(page, PagePeople.model_validate({**ask, "levels": (office,)}))
    assert called.people == ("A colleague of mine",)
    assert passed.passed_over == "it is outside the hours of never"
