"""`backout release frozen` and `register` over a real engine, and one store for every process of a site."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client
from typer.testing import CliRunner, Result

import wiring
from activities.quarantining import QuarantineActivities
from backout.quarantining import QuarantineRelease
from cli.main import app
from deployment import load_deployment, read_site
from tests.gateway.frozen import ended, opened
from tests.gateway.registered import DIGEST, starter_site
from tests.gateway.running import Gateway
from tests.gateway.world import NINE

BAD = QuarantineRelease(
    service="chat", release="r2", incident="incident/chat/r2", why="rule critical fired", at=NINE
)


@pytest.fixture
def site(tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch) -> Path:
    site = starter_site(tmp_path, client, monkeypatch, "r2", "r3")
    door = "\ngateway:\n  releases: {token: {env: PIPELINES}}\n"
    site.write_text(site.read_text().replace("\ngateway:\n", door))
    return site


async def backout(site: Path, *words: str) -> Result:
    """Run a command beside the test's own loop."""
    place = ["--site", str(site), "--state", str(site.parent)]
    return await asyncio.to_thread(CliRunner().invoke, app, ["release", *words, *place])


async def test_a_frozen_service_has_an_exit_code_of_its_own(
    client: Client, gateway: Gateway, site: Path
) -> None:
    free = await backout(site, "frozen", "chat", "--release", "r3")
    assert (free.exit_code, free.stdout) == (0, "chat/r3 is not frozen.\n")
    incident = await opened(gateway)
    done = await backout(site, "frozen", "chat")
    assert done.exit_code == 4
    assert done.stdout.startswith("FROZEN: incident chat/r2 has been open since ")
    said = await backout(site, "frozen", "chat", "--json")
    assert said.exit_code == 4
    assert json.loads(said.stdout)["because"][0]["incident"] == incident
    await ended(client, gateway, incident)
    assert (await backout(site, "frozen", "chat")).exit_code == 0


async def test_a_person_registers_during_an_incident_by_saying_why(gateway: Gateway, site: Path) -> None:
    await opened(gateway)
    file = str(site.parent / "r3.yaml")
    refused = await backout(site, "register", file)
    assert refused.exit_code == 1
    assert "frozen while an incident is open (chat/r2)" in str(refused.exception)
    for nothing in ("", " "):
        assert (await backout(site, "register", file, "--during-incident", nothing)).exit_code == 1
    done = await backout(site, "register", file, "--during-incident", "it mends the prompt", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["record"]["by"].endswith("during an incident: it mends the prompt")


@pytest.fixture
async def quarantine(site: Path) -> AsyncIterator[QuarantineActivities]:
    """Return the activities of the site's worker that quarantine."""
    deployment = load_deployment(read_site(site, {}))
    async with wiring.open_activities(deployment, ui="") as activities:
        owners = [getattr(activity, "__self__", None) for activity in activities]
        yield next(one for one in owners if isinstance(one, QuarantineActivities))


async def test_what_the_worker_quarantines_is_refused_by_the_gateway_and_by_commands(
    client: Client, site: Path, quarantine: QuarantineActivities
) -> None:
    file = str(site.parent / "r3.yaml")
    assert (await backout(site, "register", str(site.parent / "r2.yaml"))).exit_code == 0
    deployment = load_deployment(read_site(site, {"PIPELINES": "t0ken"}))
    async with wiring.open_gateway(deployment, client) as gateway:
        http = httpx.AsyncClient(transport=httpx.ASGITransport(gateway), base_url="http://gateway")
        async with http:
            http.headers["Authorization"] = "Bearer t0ken"
            asked = f"/freeze/chat?digest={DIGEST}"
            assert (await http.get(asked)).status_code == 200
            await quarantine.quarantine_release(BAD)
            answer = await http.get(asked)
            assert answer.status_code == 423
            assert (await backout(site, "frozen", "chat", "--digest", DIGEST)).exit_code == 4
            assert "must not be released" in str((await backout(site, "register", file)).exception)
            lifted = await backout(site, "lift", "chat/r2", "--why", "it was the traffic")
            assert lifted.exit_code == 0, lifted.output
            assert (await http.get(asked)).status_code == 200
    assert (await backout(site, "register", file)).exit_code == 0
