"""What was reverted completely is quarantined, but for what the last known good release shares."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.client import Client

from backout.naming import called
from backout.people import Action
from backout.releases import Artifact, BaselineRecord, Quarantine, Registration, ReleaseRecord
from backout.timeline import PeoplePaged
from backout.timeline_quarantine import QuarantineFailed, QuarantineFound, ReleaseQuarantined
from tests.workflows.engine import Engine, Incidents, alert, running
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, playbook

REVERTS = playbook(DETECT, REVERT, POSTMORTEM)
NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
MODEL = Artifact(kind="model", name="chat", digest="sha256:" + "a" * 64)
PROMPT = Artifact(kind="prompt", name="system", digest="sha256:" + "b" * 64)


async def registered(engine: Engine, release: str, *artifacts: Artifact) -> None:
    told = {
        "service": "chat",
        "release": release,
        "playbook": "chat-tests",
        "owner": "o",
        "artifacts": artifacts,
    }
    record = ReleaseRecord(registration=Registration.model_validate(told), registered_at=NOON, by="ci")
    await engine.world.registry.register(record=record)


async def named_good(engine: Engine, release: str) -> None:
    good = BaselineRecord(service="chat", release=release, by="alice", why="it was fine", at=NOON)
    await engine.world.registry.name_baseline(baseline=good)


async def reverted(engine: Engine, **step: Any) -> Incidents:  # noqa: ANN401  # any field of a step
    chart = playbook(DETECT, {**REVERT, **step}, POSTMORTEM)
    incident = await engine.open(chart, alert("ProviderDown"))
    await incident.result()
    return incident


async def test_a_reverted_release_is_quarantined_but_for_what_the_baseline_shares(skipping: Client) -> None:
    async with running(skipping) as engine:
        await registered(engine, "r2", MODEL, PROMPT)
        await registered(engine, "r1", PROMPT)
        await named_good(engine, "r1")
        incident = await reverted(engine)
        (told,) = await incident.events(ReleaseQuarantined)
        (kept,) = await engine.world.quarantines.quarantines(service="chat")
    assert (kept.release, kept.artifacts, kept.incident) == ("r2", (MODEL,), incident.handle.id)
    assert kept.why.startswith("rule critical fired: ")
    assert told.step == "revert"
    assert told.line == (
        f"Release r2 quarantined: model chat {MODEL.digest} must not be released again under any name; "
        f"left free, as r1 has it too: prompt system {PROMPT.digest}"
    )


async def test_the_baseline_that_the_incident_knows_counts_beside_the_one_on_record(skipping: Client) -> None:
    async with running(skipping) as engine:
        await registered(engine, "r2", MODEL, PROMPT)
        await registered(engine, "r1", PROMPT)
        await registered(engine, "r0", MODEL)
        await named_good(engine, "r0")
        chart = playbook(DETECT, {**REVERT, "on_failure": "hold"}, POSTMORTEM)
        incident = await engine.open(chart, alert("ProviderDown"), baseline="r1")
        await incident.result()
        (told,) = await incident.events(ReleaseQuarantined)
    assert (told.artifacts, told.good) == ((), ("r1", "r0"))


async def test_where_the_baseline_is_not_registered_everything_is_quarantined_and_that_is_said(
    skipping: Client,
) -> None:
    async with running(skipping) as engine:
        await registered(engine, "r2", MODEL, PROMPT)
        await named_good(engine, "r1")
        incident = await reverted(engine)
        (told,) = await incident.events(ReleaseQuarantined)
        (kept,) = await engine.world.quarantines.quarantines(service="chat")
    assert kept.artifacts == (MODEL, PROMPT)
    assert told.line.endswith("; r1 is not registered, so what it shares is quarantined too")


async def test_a_release_that_nobody_registered_is_quarantined_by_its_name_and_that_is_said(
    skipping: Client,
) -> None:
    async with running(skipping) as engine:
        incident = await reverted(engine)
        (told,) = await incident.events(ReleaseQuarantined)
        (kept,) = await engine.world.quarantines.quarantines(service="chat")
    assert (kept.release, kept.artifacts) == ("r2", ())
    assert told.line == (
        "Release r2 quarantined: by its name alone, as it is not registered: a copy under another name is "
        "not recognised"
    )


async def test_a_release_without_a_part_of_its_own_is_quarantined_by_its_name(skipping: Client) -> None:
    async with running(skipping) as engine:
        await registered(engine, "r2", MODEL)
        await registered(engine, "r1", MODEL)
        await named_good(engine, "r1")
        incident = await reverted(engine)
        (told,) = await incident.events(ReleaseQuarantined)
    assert "by its name alone, as it has no part of its own; left free, as r1 has it too" in told.line


async def test_a_release_that_was_quarantined_before_keeps_that_one_and_the_timeline_says_so(
    skipping: Client,
) -> None:
    async with running(skipping) as engine:
        store = engine.world.quarantines
        store.pause()
        incident = await engine.open(REVERTS, alert("ProviderDown"))
        await store.reached(1)
        by, why = incident.handle.id, "Bob: bad answers"
        before = Quarantine(service="chat", release="r2", artifacts=(), incident=by, why=why, at=NOON)
        store.kept.append(before)
        store.go_on()
        await incident.result()
        assert await incident.events(ReleaseQuarantined) == []
        (told,) = await incident.events(QuarantineFound)
    assert store.kept == [before]
    since = f"since 2026-01-05 12:00:00 UTC by {called(by)} ({why})"
    assert told.line == f"Release r2 was quarantined already, {since}: its name alone"


async def test_what_was_reverted_in_part_is_not_quarantined(skipping: Client) -> None:
    async with running(skipping) as engine:
        incident = await reverted(engine, stages=[50, 10])
        assert await incident.events(ReleaseQuarantined) == []
    assert engine.world.quarantines.kept == []


async def test_a_revert_that_was_left_out_quarantines_nothing(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.target.refuses = "closed"
        incident = await engine.open(
            playbook(DETECT, {**REVERT, "on_failure": "hold"}, POSTMORTEM), alert("ProviderDown")
        )
        await incident.asked(Action.SKIP)
        await incident.act("bob", Action.SKIP, reason="by hand")
        await incident.result()
    assert engine.world.quarantines.kept == []


@pytest.mark.parametrize(
    ("failing", "why"),
    [({"unreachable": True}, "did not answer"), ({"refuses": "it is broken"}, "refused: it is broken")],
    ids=["unreachable", "broken"],
)
async def test_a_quarantine_that_fails_fails_no_revert_and_people_are_told_what_to_do(
    skipping: Client, failing: dict[str, object], why: str
) -> None:
    async with running(skipping) as engine:
        for switch, value in failing.items():
            setattr(engine.world.quarantines, switch, value)
        incident = await reverted(engine)
        assert (await incident.result()).exposure == 0
        (told,) = await incident.events(QuarantineFailed)
        paged = await incident.events(PeoplePaged)
    assert why in told.line
    assert "'backout release quarantine chat/r2 --why ...'" in told.line
    assert any("Bob" in event.people and "NOT quarantined" in event.why for event in paged)


async def test_a_store_that_comes_back_is_tried_again_beside_the_steps(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.quarantines.fail_times = 2
        incident = await reverted(engine)
        assert len(await incident.events(ReleaseQuarantined)) == 1
        assert await incident.events(QuarantineFailed) == []
    assert len(engine.world.quarantines.kept) == 1
