"""gateway.watches against a real engine."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from backout.errors import ActionRefused, EngineDown, NothingWatches, RejectedBySystem, Unanswered
from backout.model import digest_of
from backout.playbook import Playbook
from backout.releases import Artifact, RampStage, Registration, ReleaseRecord
from gateway.watches import Watches
from tests.gateway.running import connect, eventually, start_engine
from tests.gateway.world import NINE, PLAYBOOK

RECORD = ReleaseRecord(
    registration=Registration(
        service="chat",
        release="r2",
        playbook="chat-agent",
        owner="team-chat",
        artifacts=(Artifact(kind="model", name="chat-8b", digest="sha256:" + "ab" * 32),),
        ramp=(RampStage(percent=5, after=timedelta(hours=1)),),
        baseline="r1",
    ),
    registered_at=NINE,
    by="pipeline",
)

LATE_S = 2.0
"""Seconds after which a worker's answer is late: the engine itself has time for its own."""


def a_record(release: str) -> ReleaseRecord:
    told = RECORD.registration.model_copy(update={"release": release})
    return RECORD.model_copy(update={"registration": told})


@pytest.fixture
def watches(client: Client) -> Watches:
    return Watches(client=client)


async def start(watches: Watches, playbook: Playbook = PLAYBOOK, release: str = "r2") -> bool:
    return await watches.start(record=a_record(release), playbook=playbook, digest=digest_of(playbook))


@pytest.mark.usefixtures("worker")
async def test_a_registered_release_is_watched_once_however_often_it_is_told(watches: Watches) -> None:
    assert await start(watches)
    assert not await start(watches)
    view = await watches.view(service="chat", release="r2")
    assert (view.place.release, view.place.baseline, view.playbook) == ("r2", "r1", "chat-agent")
    assert (view.state, view.incident, view.retired) == ("waiting", "", "")


async def test_no_worker_is_needed_to_start_a_watch_again_or_to_list_it(
    client: Client, watches: Watches
) -> None:
    assert await start(watches, release="r1")
    assert await start(watches, release="r2")
    assert not await start(watches, release="r2")

    async def listed() -> list[tuple[str, str, str]]:
        lines = await watches.listing(limit=10)
        found = [(line.place.release, line.playbook, line.state) for line in lines]
        return found if len(found) == 2 else []

    both = [("r2", "chat-agent", "waiting"), ("r1", "chat-agent", "waiting")]
    assert await eventually(listed) == both
    assert len(await watches.listing(limit=1)) == 1
    shown = await client.get_workflow_handle("watch/chat/r2").describe()
    assert await shown.static_summary() == "watch of chat/r2: chat-agent version 3, owner team-chat"
    details = await shown.static_details() or ""
    assert "- model: chat-8b `sha256:abab" in details
    assert "- ramp: 5 % after 1h" in details


@pytest.mark.usefixtures("worker")
async def test_a_retired_release_is_watched_no_longer_and_told_again_it_stays_so(
    client: Client, watches: Watches
) -> None:
    await start(watches)
    assert await watches.retire(service="chat", release="r2", why="replaced by r3")
    await client.get_workflow_handle("watch/chat/r2").result()
    assert not await watches.retire(service="chat", release="r2", why="replaced by r3")
    view = await watches.view(service="chat", release="r2")
    assert (view.state, view.retired) == ("retired", "replaced by r3")
    retired = RECORD.model_copy(update={"retired_at": NINE})
    assert not await watches.start(record=retired, playbook=PLAYBOOK, digest=digest_of(PLAYBOOK))
    described = await client.get_workflow_handle("watch/chat/r2").describe()
    assert described.status is WorkflowExecutionStatus.COMPLETED


@pytest.mark.usefixtures("worker")
async def test_a_release_may_be_retired_by_two_at_once(watches: Watches) -> None:
    for number in range(5):
        release = f"twice-{number}"
        await start(watches, release=release)
        by_two = (watches.retire(service="chat", release=release, why=f"said by {n}") for n in (1, 2))
        assert True in await asyncio.gather(*by_two)


@pytest.mark.usefixtures("worker")
async def test_a_release_that_is_registered_anew_after_its_watch_ended_is_watched_anew(
    client: Client, watches: Watches
) -> None:
    await start(watches)
    await client.get_workflow_handle("watch/chat/r2").terminate()
    assert await start(watches)
    assert (await watches.view(service="chat", release="r2")).state == "waiting"


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(("why", "said"), [("  ", "needs a reason"), ("x" * 501, "longer than 500")])
async def test_a_retirement_without_a_sensible_reason_is_refused_with_the_reason(
    watches: Watches, why: str, said: str
) -> None:
    await start(watches)
    with pytest.raises(ActionRefused, match=said):
        await watches.retire(service="chat", release="r2", why=why)
    assert (await watches.view(service="chat", release="r2")).state == "waiting"


async def test_what_nothing_watches_is_said_to_be_so(watches: Watches) -> None:
    with pytest.raises(NothingWatches, match="Nothing watches release r9 of chat"):
        await watches.view(service="chat", release="r9")
    assert not await watches.retire(service="chat", release="r9", why="it never was")


@pytest.mark.usefixtures("worker")
async def test_a_running_watch_goes_on_by_the_playbook_of_today(client: Client, watches: Watches) -> None:
    await start(watches)
    changed = PLAYBOOK.model_copy(update={"version": 4})
    assert not await start(watches, changed)

    async def says_so() -> bool:
        shown = await client.get_workflow_handle("watch/chat/r2").describe()
        return bool(await shown.memo_value("playbook_digest", "") == digest_of(changed))

    await eventually(says_so)
    assert not await start(watches, changed)


@pytest.mark.usefixtures("worker")
async def test_a_watch_follows_no_playbook_of_another_service(watches: Watches) -> None:
    await start(watches)
    release = PLAYBOOK.release.model_copy(update={"service": "painter"})
    with pytest.raises(ActionRefused, match="chat-agent is for service painter"):
        await start(watches, PLAYBOOK.model_copy(update={"release": release}))


async def test_without_a_worker_a_late_answer_is_not_called_undone(watches: Watches) -> None:
    await start(watches)
    with pytest.raises(Unanswered, match="'watch/chat/r2'"):
        await watches.retire(service="chat", release="r2", why="replaced", within_s=LATE_S)
    with pytest.raises(Unanswered):
        await watches.view(service="chat", release="r2", within_s=LATE_S)


async def test_what_the_engine_cannot_take_is_told_from_an_engine_that_is_down(watches: Watches) -> None:
    told = RECORD.registration.model_copy(update={"release": "r" * 3000})
    record = RECORD.model_copy(update={"registration": told})
    with pytest.raises(RejectedBySystem, match="workflow engine refused"):
        await watches.start(record=record, playbook=PLAYBOOK, digest=digest_of(PLAYBOOK))


async def test_a_dead_engine_is_known_at_once() -> None:
    engine = await start_engine()
    watches = Watches(client=await connect(engine.client.service_client.config.target_host))
    await engine.shutdown()
    with pytest.raises(EngineDown, match="nothing was done"):
        await start(watches)
    with pytest.raises(EngineDown):
        await watches.retire(service="chat", release="r2", why="replaced")
    with pytest.raises(EngineDown):
        await watches.listing(limit=1)
