"""The scenarios of single targets whose histories are kept: who may change one, to what, and is it back?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from adapters.memory import MemoryCheck
from adapters.memory_probes import MemoryProbe
from backout.case import OpenIncident
from backout.messages import CheckResult
from backout.model import digest_of
from backout.people import Action
from backout.probes import Way
from backout.requests import RunCheck
from backout.view import IncidentOutcome
from tests.replay.scenarios import Scenario, nobody_acts
from tests.workflows.engine import Engine, Incidents
from tests.workflows.playbooks import CHECK, DETECT, MANUAL, POSTMORTEM, REVERT, VERIFY, playbook, rules
from tests.workflows.rolled import going_up
from tests.workflows.test_proven_baseline import DAY, ROLES, WANTED
from tests.workflows.test_quarantine import MODEL, PROMPT, named_good, registered
from tests.workflows.test_served import SERVED
from workflows.incident import Incident

COUNTED = {"source": "metrics", "query": "served by $release"}
PROVEN: dict[str, Any] = {
    "release": {"service": "chat", "artifacts": ["model"], "requests": COUNTED, "proven": WANTED},
    "roles": {**ROLES, "product": {"may": ["note"]}},
}


class Draining(MemoryCheck):
    """A queue whose purge fails first; then it has fewer at each look, and lists what the candidate wrote."""

    def __init__(self) -> None:
        super().__init__()
        self._depths = [9, 7, 3, 0]
        self.outputs = ("o-001", "o-002")

    async def run(self, *, asked: RunCheck) -> CheckResult:
        """Look at the next depth."""
        depth = self._depths.pop(0)
        self.passes, self.found = depth == 0, f"{depth} left"
        found = await super().run(asked=asked)
        self.again = timedelta(seconds=30)
        return found


async def another(engine: Engine) -> Incidents:
    """Open an incident on another release that waits for people, and has our target."""
    world, book = engine.world, playbook(MANUAL, POSTMORTEM)
    before = f"{world.release}-before"
    opening = OpenIncident(
        incident=f"incident/{world.service}/{before}",
        service=world.service,
        release=before,
        playbook=book,
        digest=digest_of(book),
    )
    handle = await engine.client.start_workflow(
        Incident.run, opening, id=opening.incident, task_queue=engine.queue
    )
    world.leases.held["exposure", world.service] = handle.id
    return Incidents(handle)


def first_soak_lasts(engine: Engine) -> None:
    """Stop the clock: with this alert, nothing looks at the signals before the first stage."""
    engine.world.clock.pause()


def _first_soak_lasts_and_quarantines_are_broken(engine: Engine) -> None:
    first_soak_lasts(engine)
    engine.world.quarantines.refuses = "it is broken"


async def _baseline_served(engine: Engine, *, per_request: float) -> None:
    """Let both releases be registered, with the same model, and let the baseline serve for days."""
    await registered(engine, engine.world.release, MODEL, PROMPT)
    await registered(engine, "r1", MODEL)
    await named_good(engine, "r1")
    counted = engine.world.source.change
    counted(f"served by {engine.world.release}", baseline=0, candidate=1)
    counted("served by r1", baseline=per_request, candidate=per_request)
    engine.world.clock.advance(1.5 * DAY)


async def _proven_and_draining(engine: Engine) -> None:
    await _baseline_served(engine, per_request=1)
    engine.checks["consistent"] = Draining()


async def _unproven_and_stuck(engine: Engine) -> None:
    await _baseline_served(engine, per_request=0.001)
    world = engine.world
    probe = MemoryProbe(world.target, Way.model_validate({"path": "replica"}), candidate=world.release)
    probe.answers = world.release
    engine.probes["web"] = probe


async def waits_then_finds_it_moved(engine: Engine, incident: Incidents) -> None:
    """Wait for another incident that has the target; then let somebody else move the exposure."""
    await incident.asked(Action.APPROVE)
    other = await another(engine)
    await incident.act("bob", Action.APPROVE)
    await incident.until(lambda view: "is being changed by incident" in view.held and view.asks)
    await other.end()
    await incident.act("bob", Action.RESUME)
    await incident.until(lambda view: view.summary.exposure == 50)
    await engine.world.clock.reached(engine.world.clock.arrivals or 1)
    engine.world.target.put(service=engine.world.service, release=engine.world.release, percent=70)
    engine.world.clock.go_on()
    await incident.until(lambda view: "was moved by somebody else" in view.held and view.asks)
    await incident.act("bob", Action.RESUME)


async def emergency_in_a_soak(engine: Engine, incident: Incidents) -> None:
    """Take everything off while the first stage is soaked."""
    await incident.until(lambda view: view.summary.exposure == 50)
    await engine.world.clock.reached(1)
    await incident.act("bob", Action.EMERGENCY, reason="it harms people")
    await incident.until(lambda view: view.summary.exposure == 0)
    engine.world.clock.go_on()


async def overridden_then_restarted(engine: Engine, incident: Incidents) -> None:
    """Go back to a release that is not proven, and mend the replica that is stuck at the candidate."""
    await incident.asked(Action.OVERRIDE)
    await incident.act("bob", Action.OVERRIDE, reason="better than what we have")
    await incident.asked(Action.RETRY)
    probe = engine.probes["web"]
    assert isinstance(probe, MemoryProbe)
    probe.answers = None
    await incident.act("bob", Action.RETRY)


SCENARIOS = {
    "waits-for-an-incident-then-moved": Scenario(
        playbook(DETECT, REVERT, POSTMORTEM, rules=rules("approve")),
        waits_then_finds_it_moved,
        IncidentOutcome.UNVERIFIED,
        reverts=(1, 2),
        prepare=first_soak_lasts,
        alert="ProviderDown",
    ),
    "emergency-in-a-soak": Scenario(
        going_up(),
        emergency_in_a_soak,
        IncidentOutcome.UNVERIFIED,
        reverts=(1, 2),
        prepare=_first_soak_lasts_and_quarantines_are_broken,
        alert="ProviderDown",
    ),
    "baseline-proven-then-checked": Scenario(
        playbook(DETECT, REVERT, {**CHECK, "on_failure": "retry"}, VERIFY, POSTMORTEM, **PROVEN),
        nobody_acts,
        IncidentOutcome.RECOVERED,
        reverts=(1,),
        prepare=_proven_and_draining,
        alert="ProviderDown",
        silent=True,
    ),
    "baseline-overridden-then-served-stale": Scenario(
        playbook(
            DETECT,
            REVERT,
            # Nobody ticks it. Without a lag that is left, how long a run itself takes does not show.
            {**MANUAL, "within": "1s", "on_timeout": "proceed"},
            {**SERVED, "lag": "1s", "on_failure": "escalate"},
            POSTMORTEM,
            **PROVEN,
        ),
        overridden_then_restarted,
        IncidentOutcome.UNVERIFIED,
        reverts=(1,),
        prepare=_unproven_and_stuck,
        alert="ProviderDown",
    ),
}
"""Each by its name."""
