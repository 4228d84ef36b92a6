"""gateway.incidents against a real engine."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from backout.addressing import ListedIncident
from backout.errors import (
    ActionRefused,
    EngineDown,
    IncidentAmbiguous,
    IncidentOver,
    IncidentUnknown,
    NoOpenIncident,
    RejectedBySystem,
    Unanswered,
)
from backout.people import Action
from backout.timeline import ActionTaken
from backout.view import IncidentOutcome
from gateway.incidents import Incidents
from tests.gateway.running import connect, eventually, start_engine
from tests.gateway.world import an_act, an_alert, an_opening

LATE_S = 2.0
"""Seconds after which a worker's answer is late: the engine itself has time for its own."""


@pytest.fixture
def incidents(client: Client) -> Incidents:
    return Incidents(client=client)


async def is_listed(incidents: Incidents, *names: str) -> None:
    async def all_of_them() -> bool:
        return {one.short for one in await incidents.listing(limit=100, open_only=True)} == set(names)

    await eventually(all_of_them)


@pytest.mark.usefixtures("worker")
async def test_the_first_alert_opens_an_incident_and_the_next_ones_join_it(incidents: Incidents) -> None:
    opened = {
        await incidents.open(opening=an_opening("join"), alert=an_alert(number)) for number in range(1, 4)
    }
    assert opened == {"incident/chat/join"}
    view = await incidents.view(incident="incident/chat/join")
    assert view.summary.alerts == 3
    assert view.digest == an_opening("join").digest


async def test_an_open_incident_can_be_found_in_the_engine_by_what_it_is_about(
    client: Client, incidents: Incidents
) -> None:
    await incidents.open(opening=an_opening("r2"), alert=an_alert())
    await is_listed(incidents, "chat/r2")
    query = (
        "BackoutService = 'chat' AND BackoutRelease = 'r2' AND BackoutPlaybook = 'chat-agent' "
        "AND BackoutSeverity = 'major' AND BackoutPhase = 'manual' AND BackoutOutcome = 'open' "
        "AND ExecutionStatus = 'Running'"
    )
    assert [run.id async for run in client.list_workflows(query)] == ["incident/chat/r2"]
    shown = await client.get_workflow_handle("incident/chat/r2").describe()
    assert await shown.static_summary() == "chat/r2: chat-agent version 3, major"
    details = await shown.static_details()
    assert details
    assert "A chat release answers wrongly." in details
    assert "- safety: unmoderated content" in details


async def test_an_incident_that_is_over_is_opened_anew_by_the_next_alert(
    client: Client, incidents: Incidents
) -> None:
    await incidents.open(opening=an_opening(), alert=an_alert())
    await client.get_workflow_handle("incident/chat/r2").terminate()
    await incidents.open(opening=an_opening(), alert=an_alert(2))
    described = await client.get_workflow_handle("incident/chat/r2").describe()
    assert described.status is WorkflowExecutionStatus.RUNNING


@pytest.mark.usefixtures("worker")
async def test_a_person_s_act_is_carried_out_once_however_often_it_is_sent(incidents: Incidents) -> None:
    incident = await incidents.open(opening=an_opening(), alert=an_alert())
    first = await incidents.act(incident=incident, act=an_act("t1", Action.NOTE, "seen"))
    again = await incidents.act(incident=incident, act=an_act("t1", Action.NOTE, "seen"))
    assert first == again
    assert first.text == "noted on the timeline"
    timeline = (await incidents.view(incident=incident)).timeline
    assert [event.reason for event in timeline if isinstance(event, ActionTaken)] == ["seen"]


@pytest.mark.usefixtures("worker")
async def test_a_refused_act_comes_back_with_the_reason_and_nothing_else(incidents: Incidents) -> None:
    incident = await incidents.open(opening=an_opening(), alert=an_alert())
    with pytest.raises(ActionRefused, match=r"^abort needs a reason$"):
        await incidents.act(incident=incident, act=an_act("t1", Action.ABORT))


@pytest.mark.usefixtures("worker")
async def test_an_incident_that_never_was_is_told_from_one_that_is_over(
    client: Client, incidents: Incidents
) -> None:
    with pytest.raises(IncidentUnknown, match="no incident 'incident/chat/none'"):
        await incidents.act(incident="incident/chat/none", act=an_act("t1"))
    incident = await incidents.open(opening=an_opening(), alert=an_alert())
    receipt = await incidents.act(incident=incident, act=an_act("t1", Action.ABORT, "done"))
    await client.get_workflow_handle(incident).result()
    with pytest.raises(IncidentOver, match="'incident/chat/r2' is over"):
        await incidents.act(incident=incident, act=an_act("t2"))
    # What was done before the end is still answered when it is sent again.
    assert await incidents.act(incident=incident, act=an_act("t1", Action.ABORT, "done")) == receipt
    assert (await incidents.view(incident=incident)).summary.outcome is IncidentOutcome.ABORTED
    with pytest.raises(IncidentUnknown):
        await incidents.view(incident="incident/chat/none")


async def test_without_a_worker_a_late_answer_is_not_called_undone(incidents: Incidents) -> None:
    incident = await incidents.open(opening=an_opening(), alert=an_alert())
    with pytest.raises(Unanswered, match="may still be carried out"):
        await incidents.act(incident=incident, act=an_act("t1"), within_s=LATE_S)
    with pytest.raises(Unanswered):
        await incidents.view(incident=incident, within_s=LATE_S)


async def test_a_resolved_alert_is_told_to_an_open_incident_only(
    client: Client, incidents: Incidents
) -> None:
    resolved = an_alert(status="resolved")
    assert not await incidents.tell(incident="incident/chat/none", alert=resolved)
    incident = await incidents.open(opening=an_opening(), alert=an_alert())
    assert await incidents.tell(incident=incident, alert=resolved)
    await client.get_workflow_handle(incident).terminate()
    assert not await incidents.tell(incident=incident, alert=resolved)


async def test_the_list_has_the_open_incidents_first_and_says_how_each_stands(
    client: Client, incidents: Incidents
) -> None:
    await incidents.open(opening=an_opening("r1"), alert=an_alert())
    await client.get_workflow_handle("incident/chat/r1").terminate()
    await incidents.open(opening=an_opening("r2"), alert=an_alert())

    async def both() -> tuple[ListedIncident, ...]:
        listed = await incidents.listing(limit=2, open_only=False)
        stand = [(one.short, one.status) for one in listed]
        return listed if stand == [("chat/r2", "running"), ("chat/r1", "terminated")] else ()

    newest, _ = await eventually(both)
    assert (newest.playbook, newest.severity, newest.phase, newest.outcome) == (
        "chat-agent",
        "major",
        "manual",
        "open",
    )
    assert newest.closed_at is None
    assert len(await incidents.listing(limit=1, open_only=False)) == 1


async def test_an_incident_is_found_by_its_id_its_release_or_a_beginning_that_only_it_has(
    incidents: Incidents,
) -> None:
    with pytest.raises(NoOpenIncident):
        await incidents.resolve(text="")
    await incidents.open(opening=an_opening("v7-candidate"), alert=an_alert())
    await is_listed(incidents, "chat/v7-candidate")
    for text in ("incident/chat/v7-candidate", "chat/v7-candidate", "v7-candidate", "v7", "chat", "ch", ""):
        assert await incidents.resolve(text=text) == "incident/chat/v7-candidate", text
    for text in ("chat/none", "nobody"):
        with pytest.raises(IncidentUnknown, match=f"no incident '{text}'"):
            await incidents.resolve(text=text)
    await incidents.open(opening=an_opening("v8"), alert=an_alert())
    await is_listed(incidents, "chat/v7-candidate", "chat/v8")
    with pytest.raises(IncidentAmbiguous, match="chat/v7-candidate, chat/v8"):
        await incidents.resolve(text="v")


async def test_what_the_engine_cannot_take_is_told_from_an_engine_that_is_down(incidents: Incidents) -> None:
    too_long = an_opening("r" * 3000)
    with pytest.raises(RejectedBySystem, match="workflow engine refused"):
        await incidents.open(opening=too_long, alert=an_alert())


async def test_a_dead_engine_is_known_at_once_for_a_client_that_was_and_one_that_never_was_connected() -> (
    None
):
    engine = await start_engine()
    address = engine.client.service_client.config.target_host
    connected = Incidents(client=await connect(address))
    never = Incidents(client=await connect(address, lazy=True))
    assert await connected.healthy()
    await engine.shutdown()
    for incidents in (connected, never):
        assert not await incidents.healthy()
        # The client itself goes on for 6 s with each call: its retries are not waited for.
        async with asyncio.timeout(15):
            with pytest.raises(EngineDown, match="nothing was done"):
                await incidents.act(incident="incident/chat/r2", act=an_act("t1"), within_s=60)
            with pytest.raises(EngineDown):
                await incidents.open(opening=an_opening(), alert=an_alert(), within_s=60)
            with pytest.raises(EngineDown):
                await incidents.listing(limit=1, open_only=True, within_s=60)


async def test_an_engine_that_takes_the_call_and_stays_silent_is_down_after_the_deadline() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        incidents = Incidents(client=await connect(f"127.0.0.1:{port}", lazy=True))
        with pytest.raises(EngineDown, match=r"within 0\.1 s"):
            await incidents.act(incident="incident/chat/r2", act=an_act("t1"), within_s=0.1)
        assert not await incidents.healthy(within_s=0.1)
