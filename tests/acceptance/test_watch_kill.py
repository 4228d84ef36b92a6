"""A worker that is killed while evidence gathers loses none of it: another one goes on and fires with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from backout.evaluation import Outcome
from backout.model import digest_of
from backout.releases import Artifact, Registration, ReleaseRecord, watch_id
from backout.timeline import SignalsJudged
from backout.watch import Watch
from deployment import load_deployment, read_site
from gateway.incidents import Incidents
from gateway.watches import Watches
from tests.acceptance.killing import PATIENCE_S, PLAYBOOK, SITE, World, engine, killed, until
from tests.beating import left_behind

SUSTAIN = 30
"""Ticks that a burst must last to fire."""
BEFORE, AFTER = 18, 15
"""Bad ticks before the kill, at least, and after it: neither alone is a sustained burst, both are."""
RELEASE = ReleaseRecord(
    registration=Registration(
        service="chat",
        release="r2",
        playbook="chat",
        owner="team-chat",
        artifacts=(Artifact(kind="model", name="chat-8b", digest="sha256:" + "ab" * 32),),
    ),
    registered_at=datetime(2026, 1, 5, 9, tzinfo=UTC),
    by="pipeline",
)


@dataclass
class Service:
    """A service whose page finds a thousand more requests at each look; for some looks a third are bad."""

    requests: int = 0
    bad: int = 0
    bad_looks: int = BEFORE + 4
    is_killed: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve the page; after its bad looks keep the worker waiting, until that is killed."""
        await reader.readuntil(b"\r\n\r\n")
        if self.bad_looks == 0 and not self.is_killed.is_set():
            await self.is_killed.wait()
            writer.close()
            return
        self.requests += 1000
        self.bad += 300 if self.bad_looks > 0 else 0
        self.bad_looks -= 1
        text = f"requests_total {self.requests}\nbad_total {self.bad}\n"
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n{text}".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def watched_world(folder: Path) -> AsyncIterator[tuple[World, Service]]:
    """Set up a site with a service that is sick; its workers are stopped at the end."""
    service = Service()
    (folder / "playbooks").mkdir()
    text = PLAYBOOK.replace("AUTHORITY", "approve").replace("tick: 100ms", "tick: 200ms")
    (folder / "playbooks" / "chat.yaml").write_text(
        text.replace("sustain: 1s", f"sustain: {SUSTAIN * 0.2:g}s")
    )
    async with engine(folder) as client, await asyncio.start_server(service.answer, "127.0.0.1", 0) as page:
        url = f"http://127.0.0.1:{page.sockets[0].getsockname()[1]}/metrics"
        (folder / "site.yaml").write_text(SITE.replace("URL", url).replace("timeout: 2s", "timeout: 1m"))
        here = World(folder, client)
        try:
            yield here, service
        finally:
            service.is_killed.set()
            for worker in here.workers:
                await worker.stop(grace_s=10)


async def start_watch(here: World) -> None:
    playbook = load_deployment(read_site(here.folder / "site.yaml", {})).playbooks["chat"]
    watches = Watches(client=here.client)
    assert await watches.start(
        record=RELEASE, playbook=playbook, digest=digest_of(playbook), within_s=PATIENCE_S
    )


async def left(here: World) -> Watch | None:
    return await left_behind(here.client.get_workflow_handle(watch_id("chat", "r2")))


async def test_killed_while_evidence_gathers_the_next_worker_fires_with_the_evidence_from_before(
    tmp_path: Path,
) -> None:
    async with watched_world(tmp_path) as (here, service):
        first = await here.start_worker()
        await start_watch(here)

        async def gathered() -> bool:
            watch = await left(here)
            return watch is not None and watch.ticks > BEFORE

        await until(gathered, "evidence has gathered")
        before = await left(here)
        await killed(first)
        service.bad_looks = AFTER
        service.is_killed.set()
        await here.start_worker()

        async def fired() -> bool:
            view = await Watches(client=here.client).view(service="chat", release="r2", within_s=PATIENCE_S)
            return bool(view.incident)

        await until(fired, "it has fired")
        view = await Watches(client=here.client).view(service="chat", release="r2", within_s=PATIENCE_S)
        incident = await Incidents(client=here.client).view(incident=view.incident, within_s=PATIENCE_S)
    assert before is not None
    assert before.ticks < SUSTAIN
    assert before.tracks["errors"].judged == (before.ticks - 1) * 1000
    said = view.transitions[-1].evaluation
    (errors,) = (factor for factor in said.factors if factor.criterion == "errors")
    assert said.outcome is Outcome.FIRED
    assert before.tracks["errors"].judged + AFTER * 1000 >= errors.judged > before.tracks["errors"].judged
    assert before.ticks < view.ticks <= before.ticks + AFTER
    judged = [event for event in incident.timeline if isinstance(event, SignalsJudged)]
    assert judged[0].evaluation.factors == said.factors
