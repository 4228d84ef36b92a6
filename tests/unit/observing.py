"""Observations of the fake world, as the engine asks for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from activities.signals import SignalActivities
from adapters.memory import MemoryWorld
from backout.guard import Guard
from backout.ports import Marks
from backout.requests import Observation, Observe
from tests.unit.attempts import done
from tests.workflows.playbooks import playbook

MINUTE = timedelta(minutes=1)
ERRORS = [{"id": "critical", "authority": "auto", "when": {"any_of": ["error_rate"]}}]
PLAYBOOK = playbook(rules=ERRORS)


def request(sense: Literal["breach", "recovery", "watch"] = "breach", **changes: Any) -> Observe:  # noqa: ANN401  # any field
    """Return a request to watch the errors, with these fields changed."""
    fields = {
        **{name: getattr(PLAYBOOK, name) for name in Guard.model_fields},
        "criteria": PLAYBOOK.criteria[:1],
        "service": "chat",
        "release": "r2",
        "sense": sense,
        "window": 2 * MINUTE,
        "lasting": 10 * MINUTE,
    }
    return Observe.model_validate({**fields, **changes})


def watching(world: MemoryWorld, marks: Marks | None = None) -> SignalActivities:
    """Return the activities over this world's one source."""
    return SignalActivities(sources={"metrics": world.source}, clock=world.clock, marks=marks)


async def observed(world: MemoryWorld, asked: Observe) -> Observation:
    """Observe to the end."""
    return await done(watching(world).observe, asked)
