"""The outputs that a check lists are kept whole as a document; the result has the first and the digest."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from temporalio.testing import ActivityEnvironment

from activities.checks import CheckActivities
from adapters.memory import MemoryCheck, MemoryStore
from backout.messages import CheckResult
from backout.requests import RunCheck
from tests.unit.attempts import done, failed

IDS = tuple(f"o-{number:04}" for number in range(250))
REQUEST = RunCheck(check="quarantined", service="chat", release="r2", incident="incident/chat/r2")


class World:
    def __init__(self) -> None:
        self.check = MemoryCheck("quarantined")
        self.check.outputs = IDS
        self.store = MemoryStore()
        self.activities = CheckActivities(checks={"quarantined": self.check}, store=self.store)

    async def run(self, request: RunCheck = REQUEST) -> CheckResult:
        return await done(self.activities.run_check, request)


async def test_all_ids_are_in_a_document_whose_digest_is_told() -> None:
    world = World()
    evidence = (await world.run()).evidence
    ((place, text),) = world.store.documents.items()
    assert text.splitlines() == list(IDS)
    assert evidence
    assert (evidence.count, evidence.ids) == (250, IDS[:100])
    assert evidence.digest == "sha256:" + sha256(text.encode()).hexdigest()
    assert evidence.location == f"memory:{place[0]}/{place[1]}"


async def test_the_ids_themselves_do_not_travel_twice() -> None:
    assert (await World().run()).outputs == ()


async def test_other_outputs_never_replace_evidence_and_the_same_are_one_document() -> None:
    world = World()
    first = (await world.run()).evidence
    assert (await world.run()).evidence == first
    world.check.outputs = (*IDS, "o-9999")
    later = (await world.run()).evidence
    assert first
    assert later
    assert first.location != later.location
    assert len(world.store.documents) == 2


async def test_a_check_that_lists_nothing_leaves_no_document() -> None:
    world = World()
    world.check.outputs = ()
    assert (await world.run()).evidence is None
    assert world.store.documents == {}


async def test_outside_of_an_incident_nothing_is_kept_but_all_is_counted() -> None:
    world = World()
    evidence = (await world.run(REQUEST.model_copy(update={"incident": ""}))).evidence
    assert evidence
    assert (evidence.count, evidence.location) == (250, "")
    assert world.store.documents == {}


async def test_evidence_that_cannot_be_kept_is_a_reason_to_try_again() -> None:
    world = World()
    world.store.unreachable = True
    failure = await failed(world.activities.run_check, REQUEST)
    assert (failure.type, failure.non_retryable) == ("Unreachable", False)


async def test_a_check_that_takes_long_tells_that_it_is_at_it_and_can_be_stopped() -> None:
    world = World()
    world.check.pause()
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, heartbeat_timeout=timedelta(milliseconds=40))
    beats: list[object] = []
    third = asyncio.Event()

    def beat(*_: object) -> None:
        beats.append(None)
        if len(beats) == 3:
            third.set()

    environment.on_heartbeat = beat
    run = asyncio.create_task(environment.run(world.activities.run_check, REQUEST))
    await third.wait()
    environment.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
