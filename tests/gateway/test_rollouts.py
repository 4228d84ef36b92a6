"""Rollouts are begun by people with the right, and only where nothing speaks against the release."""

from __future__ import annotations

import pytest
from temporalio.client import Client

from backout.errors import EngineDown, PlaybookGone, ReasonTooLong, ReleaseUnknown, RolloutRefused
from backout.people import LONGEST_REASON
from backout.timeline import IncidentOpened
from gateway.rollouts import RollOut
from tests.gateway.registered import a_record
from tests.gateway.rolled import ALICE, MODEL, Way, asked, quarantined, with_a_way_up
from tests.gateway.running import connect, eventually
from tests.gateway.world import NINE, an_alert, an_opening


@pytest.fixture
async def way(client: Client) -> Way:
    found = Way(client)
    await found.registry.register(record=a_record(baseline="r1"))
    return found


async def why_not(way: Way, wish: RollOut | None = None) -> str:
    with pytest.raises(RolloutRefused) as refused:
        await way.rollouts.begin(wish or asked())
    return str(refused.value)


@pytest.mark.usefixtures("worker")
async def test_a_rollout_begins_by_the_steps_of_the_way_up_and_knows_who_wanted_it(way: Way) -> None:
    begun = await way.rollouts.begin(asked())
    assert (begun.incident, begun.repeated) == ("rollout/chat/r2", False)
    assert (begun.steps, begun.stages) == (("rollout", "postmortem"), (1, 10, 100))
    assert (begun.quorum, begun.roles) == (1, ("lead",))
    view = await way.incidents.view(incident="rollout/chat/r2")
    assert [step.name for step in view.playbook.steps] == ["rollout", "postmortem"]
    assert (view.baseline, view.artifacts, view.shipped_by) == ("r1", (MODEL,), "team chat")
    (opened,) = [event for event in view.timeline if isinstance(event, IncidentOpened)]
    assert opened.line == (
        "Rollout begun by Olga (cli:olga): the prompt is mended, with playbook chat-agent version 3"
    )


@pytest.mark.usefixtures("worker")
async def test_a_rollout_tells_nobody_outside_what_an_incident_would(way: Way) -> None:
    await way.rollouts.begin(asked())
    view = await way.incidents.view(incident="rollout/chat/r2")
    assert (view.notices, view.playbook.communications) == ((), ())


async def test_a_rollout_that_runs_is_told_and_not_doubled(client: Client, way: Way) -> None:
    first = await way.rollouts.begin(asked())
    run = (await client.get_workflow_handle("rollout/chat/r2").describe()).run_id
    second = await way.rollouts.begin(asked(why="again"))
    assert (first.repeated, second.repeated) == (False, True)
    assert (await client.get_workflow_handle("rollout/chat/r2").describe()).run_id == run


async def test_a_release_can_go_up_again_once_its_rollout_is_over(client: Client, way: Way) -> None:
    await way.rollouts.begin(asked())
    await client.get_workflow_handle("rollout/chat/r2").terminate()
    assert not (await way.rollouts.begin(asked())).repeated


async def test_a_release_that_nobody_registered_does_not_go_up(way: Way) -> None:
    with pytest.raises(ReleaseUnknown):
        await way.rollouts.begin(asked("r9"))


async def test_nobody_begins_a_rollout_without_the_right(way: Way) -> None:
    refusal = await why_not(way, asked(by=ALICE))
    assert refusal.endswith("only lead may rollout here; the roles of Alice are: on_call.")


async def test_a_playbook_without_a_way_up_is_refused(client: Client) -> None:
    way = Way(client, with_a_way_up(rollout=[]))
    await way.registry.register(record=a_record())
    assert "playbook chat-agent has no way up; write its steps under 'rollout'" in await why_not(way)


async def test_a_playbook_that_is_gone_is_named(way: Way) -> None:
    await way.registry.register(record=a_record("r3", playbook="gone"))
    with pytest.raises(PlaybookGone, match="'gone'"):
        await way.rollouts.begin(asked("r3"))


async def test_a_retired_release_is_refused_as_nothing_guards_it(way: Way) -> None:
    await way.registry.retire(service="chat", release="r2", at=NINE, why="replaced")
    assert "it was retired (replaced), so nothing guards it" in await why_not(way)


async def test_a_quarantined_release_is_refused_with_the_way_to_lift_it(way: Way) -> None:
    await way.quarantines.quarantine(quarantine=quarantined("r2"))
    refusal = await why_not(way)
    assert (
        "chat/r2 is quarantined since 2026-01-05 09:00:00 UTC by incident chat/r2 (rule harm fired)"
        in refusal
    )
    assert "backout release lift chat/r2 --why" in refusal


async def test_a_tag_on_a_quarantined_artifact_is_refused_by_its_digest(way: Way) -> None:
    await way.quarantines.quarantine(quarantine=quarantined("r1-bad", MODEL))
    refusal = await why_not(way)
    assert f"model chat-8b {MODEL.digest} of chat/r1-bad is quarantined since" in refusal
    assert "backout release lift chat/r1-bad --why" in refusal


async def test_a_release_goes_up_again_once_its_quarantine_is_lifted(way: Way) -> None:
    await way.quarantines.quarantine(quarantine=quarantined("r2", MODEL))
    await way.quarantines.lift(service="chat", release="r2", by="olga", why="mended", at=NINE)
    assert not (await way.rollouts.begin(asked())).repeated


async def test_the_quarantine_of_another_release_of_the_service_keeps_nothing_else_back(way: Way) -> None:
    await way.quarantines.quarantine(quarantine=quarantined("r1"))
    assert not (await way.rollouts.begin(asked())).repeated


async def test_nothing_of_a_service_goes_up_while_an_incident_is_open_on_it(way: Way) -> None:
    await way.incidents.open(opening=an_opening("r1"), alert=an_alert())

    async def is_listed() -> bool:
        return bool(await way.incidents.running(service="chat"))

    await eventually(is_listed)
    refusal = await why_not(way)
    assert "incident chat/r1 has been open since" in refusal
    assert "wait until it is over" in refusal


async def test_a_reason_that_fits_into_no_record_is_refused(way: Way) -> None:
    with pytest.raises(ReasonTooLong):
        await way.rollouts.begin(asked(why="x" * (LONGEST_REASON + 1)))


async def test_without_the_engine_nothing_is_begun_and_that_is_said() -> None:
    way = Way(await connect("127.0.0.1:9", lazy=True))
    await way.registry.register(record=a_record())
    with pytest.raises(EngineDown):
        await way.rollouts.begin(asked(), within_s=0.5)
