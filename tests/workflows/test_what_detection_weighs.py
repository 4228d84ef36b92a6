"""Detection weighs alerts that agree, alerts beside signals, vetoes and the sources' history."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import Client

from adapters.memory import MemoryWorld
from backout.people import Action
from backout.timeline import SignalsJudged
from tests.workflows.engine import alert, running
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, playbook

STEPS = (DETECT, REVERT, POSTMORTEM)
ERRORS = {"any_of": ["error_rate"]}
A_MINUTE = 100 * 60
"""Requests of the fake world."""


def counted(judged: SignalsJudged) -> int:
    """Return how many answers an evaluation rests on."""
    return judged.evaluation.factors[0].judged


async def test_alerts_that_agree_fire_a_rule_without_any_source(waiting: Client) -> None:
    names = ("ErrorsHigh", "SlowAnswers", "ProviderDown")
    corroborated = {
        "criteria": [{"id": name, "test": {"compare": "alert", "named": name}} for name in names],
        "rules": [{"id": "agreed", "authority": "auto", "when": {"at_least": 2, "of": list(names)}}],
        "signals": {},
    }
    async with running(waiting) as engine:
        engine.world.source.unreachable = True
        engine.world.clock.pause()
        incident = await engine.open(playbook(*STEPS, **corroborated))
        await engine.world.clock.reached(1)
        await incident.handle.signal("alert", alert("SlowAnswers", fingerprint="f2"))
        await incident.until(lambda view: view.summary.exposure == 50)
        await incident.end()


async def test_an_alert_that_weighs_beside_a_signal_reaches_a_watch_that_goes_on(waiting: Client) -> None:
    both = [{"id": "both", "authority": "auto", "when": {"all_of": ["error_rate", "provider"]}}]
    async with running(waiting) as engine:
        engine.world.clock.go_on(times=18)
        incident = await engine.open(playbook(*STEPS, rules=both))
        await engine.world.clock.reached(19)
        await incident.handle.signal("alert", alert("ProviderDown", fingerprint="f2"))
        engine.world.clock.go_on()
        await incident.until(lambda view: view.summary.exposure is not None)
        (judged,) = [e for e in await incident.events(SignalsJudged) if e.sense == "breach"]
        await incident.end()
    assert judged.evaluation.rule == "both"
    assert counted(judged) > 4 * A_MINUTE


async def test_history_gives_detection_its_evidence_at_once(waiting: Client) -> None:
    world = MemoryWorld()
    world.clock.advance(timedelta(minutes=10))
    async with running(waiting, world) as engine:
        engine.world.clock.pause()
        incident = await engine.open(playbook({**DETECT, "look_back": "1h"}, REVERT, POSTMORTEM))
        await incident.until(lambda view: view.summary.exposure == 50)
        (judged,) = await incident.events(SignalsJudged)
        await incident.end()
    assert counted(judged) == 10 * A_MINUTE


async def test_an_alert_fires_no_rule_that_a_veto_holds_back_by_what_is_measured(waiting: Client) -> None:
    down = [{"id": "down", "authority": "auto", "when": {"any_of": ["provider"]}}]
    veto = {"id": "ours", "when": ERRORS, "blocks": ["down"], "max_hold": "1h", "decide_by": ["product"]}
    world = MemoryWorld()
    world.clock.advance(timedelta(minutes=10))
    steps = ({**DETECT, "look_back": "1h"}, REVERT, POSTMORTEM)
    async with running(waiting, world) as engine:
        incident = await engine.open(playbook(*steps, rules=down, vetoes=[veto]), alert("ProviderDown"))
        view = await incident.asked(Action.RESUME)
        (judged,) = await incident.events(SignalsJudged)
        await incident.end()
    assert "neither yes nor no" in view.held
    assert judged.evaluation.vetoed[0].rule == "down"
    assert world.target.changes == []
