"""What comes after the proof goes by the release that was proven, whatever the incident was opened with."""

from __future__ import annotations

from temporalio.client import Client

from adapters.memory import MemoryCheck, MemoryTarget
from backout.timeline_exposure import CapacitySet
from tests.workflows.engine import alert, running
from tests.workflows.playbooks import CHECK, DETECT, POSTMORTEM, REVERT, playbook
from tests.workflows.test_proven_baseline import WANTED, name, served

RELEASE = {
    "service": "chat",
    "artifacts": ["model"],
    "requests": {"source": "metrics", "query": "served by $release"},
    "proven": WANTED,
}
CAPACITY = {"target": "replicas", "percent": 100, "checks": ["ready"], "within": "2m"}


async def test_capacity_and_checks_are_those_of_a_baseline_that_was_named_later(skipping: Client) -> None:
    async with running(skipping) as engine:
        replicas = MemoryTarget(engine.world.clock, {("chat", "r1"): 10})
        engine.targets["replicas"], engine.checks["ready"] = replicas, MemoryCheck("ready")
        await served(engine, "r1", days=1.5)
        await name(engine, "r1")
        book = playbook(DETECT, REVERT | {"capacity": CAPACITY}, CHECK, POSTMORTEM, release=RELEASE)
        incident = await engine.open(book, alert("ProviderDown"))
        await incident.result()
        (given,) = await incident.events(CapacitySet)
        asked = engine.world.check.asked
    assert (given.release, [change.release for change in replicas.changes]) == ("r1", ["r1"])
    assert [one.baseline for one in asked] == ["r1"]
