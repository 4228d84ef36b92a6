"""People answer, and it weighs into detection: at once, by their right, and until it expires."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from backout.people import Act, Action
from backout.timeline import ActionTaken, PeoplePaged, SignalsJudged
from tests.workflows.engine import Engine, Incidents, actor, running
from tests.workflows.playbooks import DETECT, ESCALATE, JUDGED, POSTMORTEM, REVERT, playbook
from workflows.incident import Incident

STEPS = (DETECT, REVERT, POSTMORTEM)


async def watched(engine: Engine, looks: int) -> Incidents:
    """Open an incident whose detection stands still after so many looks; the world's clock shows today."""
    engine.world.clock.advance(datetime.now(UTC) - engine.world.clock.now())
    engine.world.clock.go_on(times=looks - 1)
    incident = await engine.open(playbook(*STEPS, **JUDGED))
    await engine.world.clock.reached(looks)
    return incident


async def breaches(incident: Incidents) -> list[SignalsJudged]:
    """Return what the signals said in the sense of a breach."""
    return [event for event in await incident.events(SignalsJudged) if event.sense == "breach"]


async def judge(incident: Incidents, answer: str, person: str = "carol", **fields: Any) -> str:  # noqa: ANN401  # any field
    """Let a person judge; return the answer."""
    given = {"judgment": "safety_view", "answer": answer, **fields}
    return (await incident.act(person, Action.JUDGE, **given)).text


async def refusal(incident: Incidents, *judged: str, **fields: Any) -> str:  # noqa: ANN401  # any field
    """Let a person judge, and return why it was refused."""
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await judge(incident, *judged, **fields)
    assert isinstance(caught.value.cause, ApplicationError)
    return caught.value.cause.message


async def test_a_judgment_to_stop_ends_detection_and_the_revert_waits_for_its_approval(
    waiting: Client,
) -> None:
    async with running(waiting) as engine:
        incident = await watched(engine, 4)
        said = await judge(incident, "stop", reason="it insults users")
        engine.world.clock.go_on()
        view = await incident.asked(Action.APPROVE)
        assert engine.world.target.changes == []
        (judged,) = await breaches(incident)
        (taken,) = await incident.events(ActionTaken)
        await incident.act("bob", Action.APPROVE)
        await incident.result()
    assert said.startswith("safety_view is stop (revert now) until ")
    assert judged.evaluation.rule is None
    assert "safety_view.stop says carol" in judged.evaluation.reasons[0]
    assert (taken.right, taken.detail, taken.reason) == ("product", said, "it insults users")
    assert "because of human-decision" in view.asks[0].what


async def test_a_judgment_that_asks_for_less_evidence_reaches_a_watch_that_goes_on_with_what_it_has(
    waiting: Client,
) -> None:
    async with running(waiting) as engine:
        incident = await watched(engine, 15)
        await judge(incident, "concerned")
        await engine.world.clock.reached(16)
        engine.world.clock.go_on()
        await incident.result()
        (judged,) = await breaches(incident)
    # Alone it would have taken four minutes of evidence: sixteen readings of 1500 answers.
    assert judged.evaluation.rule == "critical"
    assert 14 * 1500 <= judged.evaluation.factors[0].judged < 16 * 1500
    assert "safety_view.concerned says carol" in judged.evaluation.context[0]


async def test_a_new_answer_replaces_the_one_before(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await watched(engine, 4)
        await judge(incident, "known")
        await engine.world.clock.reached(5)
        await judge(incident, "fine")
        await engine.world.clock.reached(6)
        view = await incident.view()
        engine.world.clock.go_on()
        await incident.result()
        (judged,) = await breaches(incident)
    (question,) = view.questions
    assert question.given is not None
    assert (question.given.answer, question.given.by) == ("fine", "carol")
    assert question.given.until - question.given.at == timedelta(minutes=30)
    assert judged.evaluation.rule == "critical"


async def test_while_people_know_the_cause_no_rule_reverts(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await watched(engine, 4)
        await judge(incident, "known")
        await engine.world.clock.reached(5)
        engine.world.clock.go_on()
        view = await incident.asked(Action.RESUME)
        (judged,) = await breaches(incident)
        await incident.end()
    assert "neither yes nor no" in view.held
    assert judged.evaluation.vetoed[0].veto == "safety_view"
    assert "safety_view holds critical back until" in judged.line
    assert engine.world.target.changes == []


async def test_a_judgment_is_given_only_by_its_roles_with_a_known_answer_to_a_known_question(
    waiting: Client,
) -> None:
    async with running(waiting) as engine:
        incident = await watched(engine, 1)
        assert "only product may judge here" in await refusal(incident, "stop", "alice")
        assert await refusal(incident, "maybe") == (
            "'maybe' is no answer to safety_view; say one of: fine, concerned, stop, known"
        )
        assert await refusal(incident, "stop", judgment="other") == (
            "there is no judgment 'other'; those that weigh now are: safety_view"
        )
        assert await incident.events(ActionTaken) == []
        await incident.end()


async def test_the_same_judgment_delivered_twice_is_one(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await watched(engine, 1)
        act = Act(
            id="judged-1", action=Action.JUDGE, actor=actor("carol"), judgment="safety_view", answer="fine"
        )
        first = await incident.handle.execute_update(Incident.act, act, id="a")
        again = await incident.handle.execute_update(Incident.act, act, id="b")
        taken = await incident.events(ActionTaken)
        await incident.end()
    assert first == again
    assert len(taken) == 1


async def test_after_detection_a_judgment_weighs_in_nothing_and_is_refused(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await watched(engine, 1)
        engine.world.clock.go_on(times=17)
        await incident.until(lambda view: view.step == "revert")
        assert (await incident.view()).questions == ()
        assert "no judgment weighs in anything now" in await refusal(incident, "stop")
        await incident.end()


async def test_a_hold_reaches_a_watch_that_hands_over(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await watched(engine, 4)
        await incident.act("alice", Action.HOLD, reason="wait")
        await incident.asked(Action.RESUME)
        engine.world.clock.go_on()
        await incident.act("alice", Action.RESUME)
        await incident.until(lambda view: view.summary.exposure is not None)
        await incident.end()


async def test_a_rule_that_fires_while_people_judge_waits_for_what_they_say(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await watched(engine, 16)
        engine.world.source.pause()
        engine.world.clock.go_on(times=1)
        await engine.world.source.reached(17)  # the look at which the rule would fire is under way
        await judge(incident, "known")
        engine.world.source.go_on()
        engine.world.clock.go_on()
        view = await incident.asked(Action.RESUME)
        await incident.end()
    assert "neither yes nor no" in view.held
    assert engine.world.target.changes == []


async def test_who_is_paged_after_a_judgment_is_told_of_it(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.clock.pause()
        incident = await engine.open(playbook(DETECT, ESCALATE, REVERT, POSTMORTEM, **JUDGED))
        await engine.world.clock.reached(1)
        await judge(incident, "stop")
        view = await incident.until(lambda view: any(isinstance(e, PeoplePaged) for e in view.timeline))
        await incident.end()
    (paged,) = [event for event in view.timeline if isinstance(event, PeoplePaged)]
    assert paged.why.startswith("people judged so: safety_view.stop says carol")
