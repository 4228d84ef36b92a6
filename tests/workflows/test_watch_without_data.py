"""The watch of a release that never gave data: with traffic it calls people, without it waits."""

from __future__ import annotations

from temporalio.client import Client

from tests.workflows.engine import running
from tests.workflows.guarding import a_world, guarded, holding_on_blindness


async def test_a_release_with_traffic_that_never_gave_data_calls_people_and_one_without_is_waited_for(
    waiting: Client,
) -> None:
    async with running(waiting, a_world(exposure=0)) as engine:
        world = engine.world
        world.source.blind = True
        watched = await guarded(engine, holding_on_blindness())
        await watched.ticks(12)
        view = await watched.until(lambda view: view.trouble)
        assert view.trouble.startswith("source metrics gives no data")
        await watched.ticks(1000)
        await watched.until(lambda view: view.ticks > 900)
        assert not (await watched.view()).incident
        world.target.put(service=world.service, release=world.release, percent=10)
        world.clock.go_on()
        await watched.until(lambda view: view.incident)
        called = await watched.until(lambda view: view.ticks > 2000)
        shown = await watched.incident.view()
        await watched.until_incidents(1)
    assert (shown.summary.alerts, called.state) == (0, "waiting")
