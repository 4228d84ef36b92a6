"""The watch of a release without traffic: what others do too calls nobody, until it has traffic."""

from __future__ import annotations

from typing import Any

from temporalio.client import Client

from adapters.memory import MemoryWorld
from backout.evaluation import Outcome
from backout.guarding import SPARED
from backout.playbook import Playbook
from backout.timeline import SignalsJudged
from tests.workflows.engine import running
from tests.workflows.guarding import STAYS_OPEN, Watched, a_world, guarded, holding_on_blindness, is_watching
from tests.workflows.playbooks import DETECT, playbook


def a_bad_service(*, exposure: int = 0) -> MemoryWorld:
    """Return a world whose service answers badly, whatever release does."""
    world = a_world(exposure=exposure)
    world.source.change("bad", baseline=0.3, candidate=0.3)
    return world


def release_alone(world: MemoryWorld) -> Playbook:
    """Return a playbook whose signal counts the release alone, which the world counts too."""
    texts = {name: f'{name}{{release="$release"}}' for name in ("bad", "requests")}
    for name, rate in (("bad", 0.3), ("requests", 1.0)):
        world.source.change(f'{name}{{release="{world.release}"}}', baseline=rate, candidate=rate)
    errors: dict[str, Any] = {"kind": "ratio", "family": "operational", "source": "metrics"}
    return playbook(*STAYS_OPEN, signals={"errors": {**errors, "bad": texts["bad"], "of": texts["requests"]}})


def put(watched: Watched, percent: int) -> None:
    world = watched.world
    world.target.put(service=world.service, release=world.release, percent=percent)


async def test_a_release_without_traffic_is_blind_and_calls_nobody_until_it_has_traffic_again(
    waiting: Client,
) -> None:
    async with running(waiting, a_world(exposure=0)) as engine:
        world = engine.world
        watched = await guarded(engine, holding_on_blindness())
        await is_watching(watched)
        world.source.blind = True
        world.clock.go_on()
        view = await watched.until(lambda view: view.ticks > 2000)
        assert not view.incident
        world.target.put(service=world.service, release=world.release, percent=10)
        await watched.until(lambda view: view.incident)


async def test_a_rule_that_fires_on_the_whole_service_calls_nobody_until_the_release_has_traffic(
    waiting: Client,
) -> None:
    async with running(waiting, a_bad_service()) as engine:
        watched = await guarded(engine, playbook(DETECT, *STAYS_OPEN))
        engine.world.clock.go_on()
        view = await watched.until(lambda view: view.ticks > 2000)
        assert (view.incident, view.state, await watched.incident_runs()) == ("", "watching", 0)
        spared = view.transitions[-1].evaluation
        put(watched, 10)
        await watched.until(lambda view: view.incident)
        await watched.incident.until(
            lambda view: any(isinstance(event, SignalsJudged) for event in view.timeline)
        )
        (judged,) = await watched.incident.events(SignalsJudged)
        await watched.until_incidents(1)
    assert (spared.outcome, spared.rule, spared.reasons[-1]) == (Outcome.FIRED, "critical", SPARED)
    assert (judged.evaluation.outcome, judged.evaluation.rule) == (Outcome.FIRED, "critical")
    assert SPARED not in judged.evaluation.reasons


async def test_a_rule_that_was_spared_and_is_quiet_again_fires_at_once_where_the_release_turns_bad(
    waiting: Client,
) -> None:
    async with running(waiting, a_bad_service()) as engine:
        world = engine.world
        watched = await guarded(engine, playbook(*STAYS_OPEN))
        world.clock.go_on(times=40)
        fired = await watched.until(lambda view: view.transitions and view.transitions[-1].evaluation.rule)
        world.heal()
        put(watched, 10)
        await watched.ticks(30)
        assert not (await watched.view()).incident
        world.sicken(candidate=1.0)
        world.clock.go_on()
        called = await watched.until(lambda view: view.incident)
    cooldown = playbook().rearm.cooldown
    assert called.transitions[-1].at - fired.transitions[-1].at < cooldown


async def test_what_counts_the_release_alone_calls_people_whatever_the_exposure_says(waiting: Client) -> None:
    world = a_world(exposure=0)
    async with running(waiting, world) as engine:
        watched = await guarded(engine, release_alone(world))
        world.clock.go_on()
        view = await watched.until(lambda view: view.incident)
    assert SPARED not in view.transitions[-1].evaluation.reasons


async def test_an_exposure_that_cannot_be_read_is_taken_for_traffic(waiting: Client) -> None:
    async with running(waiting, a_bad_service()) as engine:
        engine.world.target.refuses = "the flag is broken"
        watched = await guarded(engine, playbook(*STAYS_OPEN))
        engine.world.clock.go_on()
        view = await watched.until(lambda view: view.incident)
    assert view.trouble.endswith(
        "target memory refused: the flag is broken. Trying again will not help; "
        "correct the site file or the request."
    )


async def test_a_release_that_its_target_does_not_know_is_said_at_once_until_it_does(waiting: Client) -> None:
    async with running(waiting, a_world()) as engine:
        engine.world.target.refuses = "there is no such variant"
        watched = await guarded(engine, playbook(*STAYS_OPEN))
        view = await watched.until(lambda view: view.trouble)
        assert view.trouble.startswith("the exposure cannot be read, so nothing could be reverted: ")
        assert (view.ticks, view.incident) == (0, "")
        engine.world.target.refuses = ""
        engine.world.clock.go_on(times=99)
        await watched.until(lambda view: not view.trouble)


async def test_a_target_that_nobody_configured_is_said_at_once(waiting: Client) -> None:
    book = playbook(*STAYS_OPEN)
    steps = tuple(
        step.model_copy(update={"target": "nowhere"}) if step.step == "revert" else step
        for step in book.steps
    )
    async with running(waiting, a_world()) as engine:
        watched = await guarded(engine, book.model_copy(update={"steps": steps}))
        view = await watched.until(lambda view: view.trouble)
    assert "Unknown target 'nowhere'. Known: exposure" in view.trouble
