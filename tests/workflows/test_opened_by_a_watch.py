"""What a release's watch found is where detection begins: nothing is watched twice."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any

from temporalio.client import Client

from backout.case import OpenIncident
from backout.evaluation import Blindness, Evaluation, Factor, Outcome, Verdict
from backout.model import digest_of
from backout.people import Action
from backout.playbook import Playbook
from backout.requests import Observation
from backout.rules import Do
from backout.timeline import IncidentOpened, PeoplePaged, SignalsJudged, StepStarted
from tests.workflows.engine import Engine, Incidents, alert, running
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, playbook
from workflows.incident import Incident

STEPS = (DETECT, REVERT, POSTMORTEM)
_numbers = count(1)
FACTOR = Factor(
    criterion="error_rate",
    signal="errors",
    verdict=Verdict.BREACHED,
    bad=60,
    judged=1000,
    limit=0.01,
    reason="error_rate: 60 bad of 1000 judged",
)
FIRED = Evaluation(
    outcome=Outcome.FIRED, rule="critical", do=Do.REVERT, factors=(FACTOR,), reasons=(FACTOR.reason,)
)
SINCE = datetime(2026, 1, 5, 8, 50, tzinfo=UTC)


def blind(do: str) -> Evaluation:
    """Return what a watch says whose source is down."""
    down = Blindness.model_validate(
        {
            "source": "metrics",
            "criteria": ["error_rate"],
            "since": SINCE,
            "why": "it is switched off",
            "do": do,
        }
    )
    return Evaluation(outcome=Outcome.INCONCLUSIVE, do=Do(do), blind=(down,))


async def opened(engine: Engine, playbook: Playbook, said: Evaluation) -> Incidents:
    """Open an incident as a release's watch does."""
    world = engine.world
    opening = OpenIncident(
        incident=f"incident/chat/found-{next(_numbers)}",
        service=world.service,
        release=world.release,
        playbook=playbook,
        digest=digest_of(playbook),
        baseline="r1",
        found=Observation(evaluation=said, ticks=99),
    )
    handle = await engine.client.start_workflow(
        Incident.run, opening, id=opening.incident, task_queue=engine.queue
    )
    return Incidents(handle)


async def test_a_rule_that_the_watch_saw_fire_is_reverted_without_watching_again(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.clock.pause()
        incident = await opened(engine, playbook(*STEPS), FIRED)
        await incident.until(lambda view: view.summary.exposure == 50)
        (judged,) = await incident.events(SignalsJudged)
        (begun,) = await incident.events(IncidentOpened)
        await incident.end()
    assert judged.evaluation == FIRED
    assert begun.line == "Incident opened by the watch of the release, with playbook chat-tests version 3"


async def test_a_rule_that_pages_is_followed_and_detection_watches_on(waiting: Client) -> None:
    warn: dict[str, Any] = {"id": "warn", "do": "page", "when": {"any_of": ["error_rate"]}}
    critical = {"id": "critical", "authority": "auto", "when": {"any_of": ["error_rate"]}}
    async with running(waiting) as engine:
        said = FIRED.model_copy(update={"rule": "warn", "do": Do.PAGE})
        incident = await opened(engine, playbook(*STEPS, rules=[warn, critical]), said)
        await incident.result()
        judged = [e for e in await incident.events(SignalsJudged) if e.sense == "breach"]
        paged = [e for e in await incident.events(PeoplePaged) if "rule warn fired" in e.why]
    assert [event.evaluation.rule for event in judged] == ["warn", "critical"]
    assert len(paged) == 1


async def test_blindness_that_the_watch_met_holds_the_incident_with_its_reason(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await opened(engine, playbook(*STEPS), blind("hold"))
        view = await incident.asked(Action.RESUME)
        assert engine.world.source.looks == 0
        await incident.act("alice", Action.RESUME)
        await incident.result()
    assert "source metrics gives no data since 08:50:00 UTC (it is switched off)" in view.held
    assert [change.percent for change in engine.world.target.changes] == [50, 10, 0]


async def test_what_was_found_counts_once_a_retry_looks_for_itself(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.heal()
        freeze = {"id": "critical", "do": "hold", "when": {"any_of": ["error_rate"]}}
        found = FIRED.model_copy(update={"do": Do.HOLD})
        incident = await opened(engine, playbook(*STEPS, rules=[freeze]), found)
        await incident.asked(Action.RETRY)
        await incident.act("alice", Action.RETRY)
        await incident.result()
        judged = [e.evaluation.outcome for e in await incident.events(SignalsJudged)]
        attempts = [e.attempt for e in await incident.events(StepStarted) if e.step == "detect"]
    assert judged == [Outcome.FIRED, Outcome.CLEAR]
    assert attempts == [1, 2]


async def test_a_watch_that_found_nothing_to_act_on_leaves_detection_to_look(waiting: Client) -> None:
    async with running(waiting) as engine:
        said = Evaluation(outcome=Outcome.INCONCLUSIVE)
        incident = await opened(engine, playbook(*STEPS), said)
        await incident.result()
        judged = [e for e in await incident.events(SignalsJudged) if e.sense == "breach"]
    assert [event.evaluation.rule for event in judged] == ["critical"]


async def test_an_alert_may_come_to_an_incident_that_a_watch_opened(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.clock.pause()
        incident = await opened(engine, playbook(*STEPS), FIRED)
        await incident.until(lambda view: view.summary.exposure == 50)
        await incident.handle.signal("alert", alert("rule critical"))
        view = await incident.until(lambda view: view.summary.alerts == 1)
        await incident.end()
    assert view.firing[0].name == "rule critical"
