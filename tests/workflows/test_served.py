"""The served step: only the baseline may answer, on every probe, once the client lag is over."""

from __future__ import annotations

from typing import Any

from temporalio.client import Client

from adapters.memory_probes import MemoryProbe
from backout.people import Action
from backout.probes import Way
from backout.release_sets import Conversations
from backout.serving_verdicts import MOST_TOLD, Verdict
from backout.timeline import Held, StepFailed, StepFinished
from backout.timeline_served import ServedChecked, SessionsBegun
from tests.workflows.engine import Engine, Incidents, alert, running
from tests.workflows.playbooks import DETECT, MANUAL, POSTMORTEM, REVERT, playbook

SERVED: dict[str, Any] = {
    "step": "served",
    "owner": "platform",
    "probes": ["web"],
    "lag": "30m",
    "within": "1h",
    "on_timeout": "escalate",
}
SESSION: dict[str, Any] = {"path": "session", "sessions": 3}
PROCEEDS = {"on_failure": "proceed"}


def probe(engine: Engine, name: str = "web", **way: object) -> MemoryProbe:
    found = MemoryProbe(engine.world.target, Way.model_validate(way))
    engine.probes[name] = found
    return found


async def reverted(engine: Engine, *, served: dict[str, Any] | None = None, **revert: object) -> Incidents:
    steps = (DETECT, {**REVERT, **revert}, {**SERVED, **PROCEEDS, **(served or {})}, POSTMORTEM)
    return await engine.open(playbook(*steps), alert("ProviderDown"))


async def failures(incident: Incidents) -> list[str]:
    return [failed.error for failed in await incident.events(StepFailed)]


async def test_a_service_that_answers_with_the_baseline_alone_is_proven(skipping: Client) -> None:
    async with running(skipping) as engine:
        probe(engine)
        incident = await reverted(engine)
        await incident.result()
        (checked,) = await incident.events(ServedChecked)
        finished = await incident.events(StepFinished)
    assert (checked.verdict, [one.release for one in checked.seen]) == (Verdict.CLEAN, ["r1"])
    assert "1 probe was answered by r1 alone after the lag" in [one.result for one in finished]


async def test_each_probe_that_proves_nothing_is_named_in_the_failure(skipping: Client) -> None:
    async with running(skipping) as engine:
        probe(engine)
        probe(engine, "two", path="replica").answers = "r2"
        edge = probe(engine, "edge", path="cache")
        edge.answers, edge.stale = "r2", "Age: 37"
        probe(engine, "gone").unreachable = True
        incident = await reverted(engine, served={"probes": ["web", "two", "edge", "gone"]})
        await incident.result()
        checked = await incident.events(ServedChecked)
        (error,) = await failures(incident)
    verdicts = {one.probe: one.verdict for one in checked}
    assert list(verdicts.values()) == [
        Verdict.CLEAN,
        Verdict.STUCK_REPLICA,
        Verdict.STALE_CACHE,
        Verdict.BLIND,
    ]
    assert "probe two, stuck replica: it was answered by r2 after the lag, 3 of 3 times" in error
    assert "probe edge, stale cache: it was answered by r2 after the lag, 3 of 3 times (Age: 37)" in error
    assert "probe gone, blind: it was not answered: probe memory did not answer" in error
    assert "probe web" not in error
    assert checked[1].line.startswith("Probe two FAILED, stuck replica: it was answered by r2")


async def test_many_probes_that_prove_nothing_are_counted_and_the_timeline_has_each(skipping: Client) -> None:
    names = [f"replica-{number}" for number in range(8)]
    async with running(skipping) as engine:
        for name in names:
            probe(engine, name, path="replica").answers = "r2"
        incident = await reverted(engine, served={"probes": names})
        await incident.result()
        checked = await incident.events(ServedChecked)
        (error,) = await failures(incident)
    assert [one.probe for one in checked] == names
    assert error.count("stuck replica") == MOST_TOLD
    assert error.endswith("; and 3 more")


async def test_a_failed_proof_holds_and_a_retry_asks_again(waiting: Client) -> None:
    async with running(waiting) as engine:
        stuck = probe(engine, path="replica")
        stuck.answers = "r2"
        incident = await reverted(engine, served={"on_failure": "hold"})
        await incident.asked(Action.RETRY)
        stuck.answers = None
        await incident.act("bob", Action.RETRY)
        await incident.result()
        (held,) = await incident.events(Held)
        checked = await incident.events(ServedChecked)
    assert "probe web, stuck replica" in held.why
    assert [one.verdict for one in checked] == [Verdict.STUCK_REPLICA, Verdict.CLEAN]


async def test_sessions_begin_before_the_first_change_and_a_pinned_one_is_named(skipping: Client) -> None:
    async with running(skipping) as engine:
        sticky = probe(engine, **SESSION)
        sticky.sticky = True
        incident = await reverted(engine)
        await incident.result()
        view = await incident.view()
        (error,) = await failures(incident)
    kinds = [event.event for event in view.timeline]
    assert kinds.index("SessionsBegun") < kinds.index("ExposureSet")
    (begun,) = [event for event in view.timeline if isinstance(event, SessionsBegun)]
    assert begun.line == "Sessions that began before the revert: 3 on r2"
    assert "pinned session: session s1 was answered by r2 after the lag" in error
    assert len(set(sticky.asked[:3])) == 3
    assert set(sticky.asked[:3]) <= set(sticky.asked[3:]), "the same users come again"


async def test_a_service_that_begins_no_session_does_not_hold_up_the_revert(skipping: Client) -> None:
    async with running(skipping) as engine:
        sticky = probe(engine, **SESSION)
        sticky.fail_times = 3
        incident = await reverted(engine)
        await incident.result()
        (begun,) = await incident.events(SessionsBegun)
        (error,) = await failures(incident)
        assert [change.percent for change in engine.world.target.changes] == [50, 10, 0]
    assert "none; not begun: web: probe memory did not answer" in begun.line
    assert "no session of it began before the revert" in error


async def test_the_lag_runs_from_the_last_change_not_from_the_step(skipping: Client) -> None:
    between = {**MANUAL, "within": "31m", "on_timeout": "proceed"}
    async with running(skipping) as engine:
        asked = probe(engine)
        steps = (DETECT, REVERT, between, SERVED, POSTMORTEM)
        incident = await engine.open(playbook(*steps), alert("ProviderDown"))
        await incident.result()
    assert len(asked.asked) == 3, "only the rounds after the lag"


async def test_a_policy_that_no_target_can_carry_out_fails_before_anything_is_changed(
    skipping: Client,
) -> None:
    async with running(skipping) as engine:
        probe(engine)
        engine.world.target.sees_to = frozenset({Conversations.MIGRATE})
        incident = await reverted(engine, conversations="finish", on_failure="abort")
        await incident.result()
        (error,) = await failures(incident)
        assert engine.world.target.changes == []
    assert error.startswith("No target of the set can let conversations finish, so nothing was changed.")
    assert "Each can: exposure: migrate." in error


async def test_the_target_is_told_what_becomes_of_conversations(skipping: Client) -> None:
    async with running(skipping) as engine:
        probe(engine, **SESSION)
        incident = await reverted(engine, conversations="migrate")
        await incident.result()
        assert await failures(incident) == []
        assert set(engine.world.target.told) == {Conversations.MIGRATE}


async def test_a_conversation_that_was_to_finish_and_was_switched_is_named(skipping: Client) -> None:
    async with running(skipping) as engine:
        probe(engine, **SESSION)
        incident = await reverted(engine, conversations="finish")
        await incident.result()
        (error,) = await failures(incident)
    assert "mixed conversation: conversation s1 was answered by r2, then by r1" in error


async def test_a_conversation_that_was_to_be_ended_and_is_ended_is_well(skipping: Client) -> None:
    async with running(skipping) as engine:
        sticky = probe(engine, **SESSION)
        sticky.sticky = sticky.over = True
        incident = await reverted(engine, conversations="restart")
        await incident.result()
        assert await failures(incident) == []


async def test_an_unknown_probe_fails_with_the_known_ones(skipping: Client) -> None:
    async with running(skipping) as engine:
        probe(engine, "other")
        incident = await reverted(engine)
        await incident.result()
        assert await failures(incident) == ["Unknown probe 'web'. Known: other."]
