"""A rollout under test: a healthy release that nobody meets yet, and the way up for it."""

from __future__ import annotations

from itertools import count
from typing import Any

from adapters.memory import MemoryWorld
from backout.case import OpenIncident
from backout.model import digest_of
from backout.people import Action
from backout.playbook import Playbook
from backout.timeline_exposure import ExposureSet
from backout.view import IncidentView, rollout_id
from tests.workflows.engine import Engine, Incidents
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, RIGHTS, playbook
from workflows.incident import Incident

ROLLOUT: dict[str, Any] = {
    "step": "rollout",
    "owner": "commander",
    "target": "exposure",
    "stages": [10, 50, 100],
    "soak": "10m",
    "within": "8h",
    "on_timeout": "hold",
}
LOOKS = 40
"""Looks at the signals in one soak: ten minutes, one every 15 s."""
_numbers = count(1)


def going_up(*rollout: dict[str, Any], **changes: Any) -> Playbook:  # noqa: ANN401  # any field of a playbook
    """Return a playbook with these steps upwards; people who may approve it may take all off at once."""
    roles = {
        "on_call": {"may": RIGHTS},
        "commander": {"may": [*RIGHTS, "approve", "reject", "emergency"]},
        "product": {"may": ["approve", "reject", "note"]},
        "platform": {"may": ["note"]},
    }
    steps = list(rollout or (ROLLOUT, POSTMORTEM))
    return playbook(DETECT, REVERT, POSTMORTEM, roles=roles, rollout=steps, **changes)


def healthy() -> MemoryWorld:
    """Return a world whose new release answers well, and nobody meets it."""
    world = MemoryWorld(release=f"up{next(_numbers)}", exposure=0)
    world.heal()
    return world


async def begin(engine: Engine, book: Playbook | None = None, *, shipped_by: str = "") -> Incidents:
    """Begin a rollout as the command does."""
    world, book = engine.world, book or going_up()
    opening = OpenIncident(
        incident=rollout_id(world.service, world.release),
        service=world.service,
        release=world.release,
        playbook=book.rolling_out(),
        digest=digest_of(book),
        shipped_by=shipped_by,
        because="Bob (cli): the prompt is mended",
    )
    handle = await engine.client.start_workflow(
        Incident.run, opening, id=opening.incident, task_queue=engine.queue
    )
    return Incidents(handle)


async def approved(engine: Engine, book: Playbook | None = None) -> Incidents:
    """Begin a rollout, and approve it."""
    rollout = await begin(engine, book)
    await rollout.asked(Action.APPROVE)
    await rollout.act("bob", Action.APPROVE)
    return rollout


def percents(engine: Engine) -> list[int]:
    """Return what the target was set to, in order."""
    return [change.percent for change in engine.world.target.changes]


def stages(view: IncidentView) -> list[tuple[int, int]]:
    """Return from where to where the exposure went, as the timeline has it."""
    return [(event.before, event.after) for event in view.timeline if isinstance(event, ExposureSet)]
