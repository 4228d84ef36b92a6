"""The activity that proves a baseline asks everything that can say something of a release."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from activities.baselines import BaselineActivities
from activities.witnesses import Witnesses
from adapters.memory import START, MemoryWorld
from backout.proof import Proof
from tests.unit import proofs
from tests.unit.attempts import done, failed
from tests.unit.proofs import DAY, asked

OTHER = "sha256:" + "cd" * 32


async def lived(*, share: float = 1.0, days: float = 2) -> MemoryWorld:
    """Return a world in which r1 is registered, named and has served so much."""
    world = MemoryWorld()
    await world.registry.register(record=proofs.record("r1", START))
    await world.registry.name_baseline(baseline=proofs.named("r1", START))
    world.source.change("served by r1", baseline=share, candidate=share)
    world.clock.advance(days * DAY)
    return world


def activities(world: MemoryWorld) -> BaselineActivities:
    """Return the activities over this world."""
    witnesses = Witnesses(
        registry=world.registry,
        store=world.store,
        quarantines=world.quarantines,
        sources={"metrics": world.source},
        clock=world.clock,
    )
    return BaselineActivities(witnesses=witnesses)


async def proof(world: MemoryWorld, **changes: Any) -> Proof:  # noqa: ANN401  # any field
    """Return what is said of the baseline."""
    return await done(activities(world).prove_baseline, asked(**changes))


def doubts(found: Proof) -> list[str]:
    return [doubt.text for doubt in found.doubts]


async def test_what_a_release_served_is_read_from_the_history_of_its_own_counter() -> None:
    found = await proof(await lived(share=0.5))
    assert found.is_proven
    assert found.shown[0] == "it served 4,320,000 requests in the last 1d"
    few = await proof(await lived(share=0.001))
    assert doubts(few) == ["it served 8,640 of 10,000 requests in the last 1d"]


async def test_a_baseline_that_lost_its_traffic_to_the_candidate_is_proven_by_the_time_before() -> None:
    world = await lived()
    await world.registry.register(record=proofs.record("r2", world.clock.now()))
    world.source.change("served by r1", baseline=0, candidate=0)
    world.clock.advance(3 * DAY)
    found = await proof(world)
    assert found.shown[0] == "it served 8,640,000 requests in the 1d before r2 was registered"


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        ({"knows_history": False}, "knows only the present"),
        ({"unreachable": True}, "source memory did not answer: it is switched off"),
        ({"blind": True}, "no data on how many requests it served in the last 1d"),
    ],
    ids=["no history", "unreachable", "blind"],
)
async def test_a_source_that_says_nothing_is_a_doubt_and_no_error(trouble: dict[str, bool], why: str) -> None:
    world = await lived(days=0)
    for name, value in trouble.items():
        setattr(world.source, name, value)
    world.clock.advance(2 * DAY)
    (doubt,) = (await proof(world)).doubts
    assert doubt.kind == "requests"
    assert why in doubt.text


async def test_without_a_count_in_the_playbook_nothing_is_proven() -> None:
    (said,) = doubts(await proof(await lived(), count=None))
    assert "the playbook says no release.requests" in said


async def test_an_unknown_source_is_an_error_with_the_known_ones() -> None:
    count = {"source": "metrix", "query": "served by $release"}
    failure = await failed(activities(await lived()).prove_baseline, asked(count=count))
    assert failure.message == "Unknown source 'metrix'. Known: metrics."


async def test_a_registry_that_does_not_answer_is_an_error_that_is_tried_again() -> None:
    world = await lived()
    world.registry.unreachable = True
    failure = await failed(activities(world).prove_baseline, asked())
    assert (failure.type, failure.non_retryable) == ("Unreachable", False)


async def test_an_incident_on_the_baseline_is_found_among_those_on_others() -> None:
    world = await lived()
    at = world.clock.now()
    other = proofs.incident("r7", closed_at=at)
    await world.store.save(summary=other, events=())
    assert (await proof(world)).is_proven
    mine = proofs.incident("r1", closed_at=at).model_copy(update={"opened_at": at - timedelta(hours=2)})
    await world.store.save(summary=mine, events=())
    assert doubts(await proof(world)) == [
        "an incident was open on it from 2026-01-07 07:00 UTC to 2026-01-07 09:00 UTC"
    ]


async def test_a_quarantine_counts_for_the_release_and_for_whatever_shares_its_artifacts() -> None:
    world = await lived()
    (artifact,) = proofs.record("r1", START).registration.artifacts
    elsewhere = proofs.quarantine("bad", START).model_copy(update={"artifacts": (artifact,)})
    await world.quarantines.quarantine(quarantine=elsewhere)
    assert doubts(await proof(world)) == [
        "it is quarantined as bad since 2026-01-05 09:00 UTC: unsafe answers"
    ]
    await world.quarantines.quarantine(quarantine=proofs.quarantine("r1", START + DAY))
    assert doubts(await proof(world)) == ["it is quarantined since 2026-01-06 09:00 UTC: unsafe answers"]
    for name in ("bad", "r1"):
        await world.quarantines.lift(
            service="chat", release=name, by="ann", why="a mistake", at=world.clock.now()
        )
    assert (await proof(world)).is_proven


async def test_a_baseline_that_is_named_meanwhile_is_the_one_that_is_proven() -> None:
    world = await lived()
    await world.registry.register(record=proofs.record("r3", START + DAY, OTHER))
    world.source.change("served by r3", baseline=1, candidate=1)
    assert (await proof(world, known_at=START)).baseline == "r1"
    await world.registry.name_baseline(baseline=proofs.named("r3", START + DAY))
    found = await proof(world, known_at=START)
    assert found.baseline == "r3"
    # By what was known before, r1 is below the floor now.
    below = await proof(world)
    assert below.baseline == "r1"
    assert doubts(below) == [
        "it is older than r3, which ann (cli:ann) promoted on 2026-01-06 09:00 UTC: the floor"
    ]


async def test_the_newest_five_others_are_the_choices_and_never_the_candidate() -> None:
    world = await lived(share=0.001)
    for number in range(2, 10):
        world.source.change(f"served by r{number}", baseline=1, candidate=1)
        await world.registry.register(record=proofs.record(f"r{number}", START + number * timedelta(hours=1)))
    found = await proof(world, release="r8")
    assert [choice.release for choice in found.choices] == ["r9", "r7", "r6", "r5", "r4"]
    assert (await proof(await lived())).choices == ()


async def test_a_candidate_that_is_itself_the_named_baseline_has_none_to_go_back_to_and_that_is_said() -> (
    None
):
    world = MemoryWorld()
    await world.registry.name_baseline(baseline=proofs.named("r2", START))
    found = await proof(world, baseline="")
    said = "r2 is itself the last known good release of chat, so none is known to go back to"
    assert (found.baseline, doubts(found)) == ("", [said])
    await world.registry.name_baseline(baseline=proofs.named("r1", START))
    assert (await proof(world, baseline="")).baseline == "r1"
