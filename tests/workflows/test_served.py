"""The served step: only the baseline may answer, on every probe, once the client lag is over."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import Client

from adapters.memory_probes import MemoryProbe
from backout.probes import Way
from backout.release_sets import Conversations
from backout.serving_verdicts import Verdict
from backout.timeline import Held, StepFailed, StepFinished
from backout.timeline_served import ServedChecked, SessionsBegun
from backout.view import Phase
from tests.workflows.engine import Engine, Incidents, alert, running
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, playbook

SERVED: dict[str, Any] = {
    "step": "served",
    "owner": "platform",
    "probes": ["web"],
    "lag": "30m",
    "within": "1h",
    "on_timeout": "escalate",
}
ON = {"on_failure": "proceed"}


def probe(engine: Engine, **way: object) -> MemoryProbe:
    engine.probes["web"] = MemoryProbe(engine.world.target, Way.model_validate(way))
    return engine.probes["web"]


async def reverted(engine: Engine, *, served: dict[str, Any] | None = None, **revert: object) -> Incidents:
    steps = (DETECT, {**REVERT, **revert}, {**SERVED, **ON, **(served or {})}, POSTMORTEM)
    return await engine.open(playbook(*steps), alert("ProviderDown"))


async def test_a_service_that_answers_with_the_baseline_alone_is_proven(skipping: Client) -> None:
    async with running(skipping) as engine:
        probe(engine)
        incident = await reverted(engine)
        await incident.result()
        (checked,) = await incident.events(ServedChecked)
        finished = await incident.events(StepFinished)
    assert (checked.verdict, [one.release for one in checked.seen]) == (Verdict.CLEAN, ["r1"])
    assert "1 probes were answered by r1 alone" in [one.result for one in finished]
