"""Seven simulated days of ladders, under random policies, acknowledgements, holds and alerts."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from adapters.rotas.weekly import SiteRota
from backout.alerts import Alert
from backout.people import Action
from tests.workflows.engine import Engine, Incidents, alert, running
from tests.workflows.playbooks import DETECT, ESCALATE, POSTMORTEM, playbook, rules
from tests.workflows.seven_days import DAILY, OFFICE, POLICIES, WEEK, WEEKS, Did, Oracle, policy_of

TIDY = {"step": "manual", "owner": "on_call", "items": ["tidy up"], "within": "60d", "on_timeout": "hold"}
_episodes = count(10)


def fires(name: str, *, status: str = "firing") -> Alert:
    return alert("ProviderDown", fingerprint=name, status=status)


async def live(
    server: WorkflowEnvironment, engine: Engine, policy: dict[str, Any], week: list[Did]
) -> list[str]:
    """Let an incident live for a week, and return what was wrong with it."""
    steps = (DETECT, {**ESCALATE, "within": "60d", "on_timeout": "hold"}, TIDY, POSTMORTEM)
    changes = {"escalation": {"model": policy}, "rules": rules("ack"), "remind": "2d"}
    first = f"f{next(_episodes)}"
    incident = await engine.open(playbook(*steps, **changes), fires(first))
    opened = (await incident.until(lambda view: len(view.timeline) > 5)).summary.opened_at
    firing, spent = first, timedelta(0)
    for hours, what in week:
        pause = min(timedelta(hours=hours), WEEK - spent)
        spent += pause
        await server.fast_forward(incident.handle, pause)
        firing = await happens(incident, what, firing)
    await server.fast_forward(incident.handle, WEEK - spent + timedelta(seconds=1))
    view = await incident.until(lambda view: view.summary.phase)
    await incident.end()
    return Oracle(policy_of(policy), opened + WEEK).read(view.timeline)


async def happens(incident: Incidents, what: str, firing: str) -> str:
    """Let something happen; what a person may not do now changes nothing. Return what fires then."""
    if what == "clear" and firing:
        await incident.handle.signal("alert", fires(firing, status="resolved"))
        return ""
    if what == "fire" and not firing:
        name = f"f{next(_episodes)}"
        await incident.handle.signal("alert", fires(name))
        return name
    if what in {"acknowledge", "hold", "resume"}:
        try:
            await incident.act("alice", Action(what))
        except WorkflowUpdateFailedError:
            return firing
    return firing


@settings(
    max_examples=2,
    deadline=None,
    # The same lives in every run: what the suite says of some code, it says of it again.
    derandomize=True,
    database=None,
    # A failure says all: to make it smaller would take minutes.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(lives=some.lists(some.tuples(POLICIES, WEEKS), min_size=6, max_size=6))
async def test_a_week_of_ladders_pages_whom_it_should_when_it_should_and_ends_named(
    server: WorkflowEnvironment, waiting: Client, lives: list[tuple[dict[str, Any], list[Did]]]
) -> None:
    async with running(waiting) as engine:
        engine.rotas["daily"], engine.calendars["office"] = SiteRota(DAILY), OFFICE
        found = await asyncio.gather(*(live(server, engine, policy, week) for policy, week in lives))
    assert [(wrong, one) for wrong, one in zip(found, lives, strict=True) if wrong] == []
