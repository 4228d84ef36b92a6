"""A watch ends when the signals say something or the time is over, and survives its worker."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from adapters.memory import START, MemoryWorld
from backout.evaluation import Outcome, Verdict
from backout.playbook import CountQuery
from backout.requests import CountRequests
from backout.signals import RatioSignal
from backout.watch import Watch
from tests.unit.attempts import Attempts, done, failed
from tests.unit.observing import MINUTE, PLAYBOOK, observed, request, watching
from tests.workflows.playbooks import playbook


async def test_a_breach_ends_the_watch_after_sustain() -> None:
    world = MemoryWorld()
    seen = await observed(world, request())
    assert (seen.evaluation.outcome, seen.evaluation.rule) == (Outcome.FIRED, "critical")
    assert seen.ticks == 17
    assert world.clock.now() - START == 4 * MINUTE


async def test_healthy_signals_are_watched_to_the_end_and_then_clear() -> None:
    world = MemoryWorld()
    world.heal()
    seen = await observed(world, request())
    assert seen.evaluation.outcome is Outcome.CLEAR
    assert world.clock.now() - START == 10 * MINUTE


async def test_a_long_watch_stays_small_enough_for_its_heartbeats() -> None:
    world = MemoryWorld()
    world.heal()
    seen = await observed(world, request(window=120 * MINUTE, lasting=120 * MINUTE))
    assert seen.evaluation.outcome is Outcome.CLEAR
    assert seen.ticks == 481
    assert len(seen.model_dump_json()) < 6000


async def test_recovery_takes_a_whole_window_and_no_more() -> None:
    world = MemoryWorld()
    world.heal()
    seen = await observed(world, request("recovery"))
    assert seen.evaluation.outcome is Outcome.CLEAR
    assert world.clock.now() - START == 2 * MINUTE


async def test_what_does_not_recover_is_watched_to_the_end() -> None:
    world = MemoryWorld()
    seen = await observed(world, request("recovery"))
    assert seen.evaluation.outcome is Outcome.FIRED
    assert world.clock.now() - START == 10 * MINUTE


async def test_a_watch_never_outlasts_its_time_by_a_tick() -> None:
    world = MemoryWorld()
    world.heal()
    await observed(world, request(lasting=timedelta(seconds=100)))
    assert world.clock.now() - START == timedelta(seconds=100)


async def test_an_alert_that_is_firing_already_needs_one_look() -> None:
    alert = {"source": "cli", "fingerprint": "f", "starts_at": START, "status": "firing"}
    seen = await observed(
        MemoryWorld(),
        request(
            criteria=PLAYBOOK.criteria, rules=playbook().rules, firing=[{**alert, "name": "ProviderDown"}]
        ),
    )
    assert (seen.evaluation.outcome, seen.ticks) == (Outcome.FIRED, 1)


async def test_a_source_that_is_down_is_blind_and_says_why() -> None:
    world = MemoryWorld()
    world.source.unreachable = True
    for sense in ("breach", "recovery"):
        said = (await observed(world, request(sense))).evaluation
        assert (said.outcome, said.factors[0].verdict) == (Outcome.INCONCLUSIVE, Verdict.BLIND)
    assert world.clock.now() - START == 20 * MINUTE
    said = (await observed(world, request("recovery"))).evaluation
    assert "source memory did not answer: it is switched off" in said.reasons[-1]
    (blind,) = (await observed(world, request())).evaluation.blind
    assert (blind.source, blind.criteria) == ("metrics", ("error_rate",))
    assert blind.why == (
        "source metrics gives no data: source memory did not answer: it is switched off. "
        "Check that it runs and that the site file names the right address."
    )


async def test_a_query_that_a_source_refuses_is_blind_and_says_why() -> None:
    signal = PLAYBOOK.signals["errors"].model_copy(update={"bad": "mistyped"})
    said = (await observed(MemoryWorld(), request(signals={"errors": signal}))).evaluation
    assert said.outcome is Outcome.INCONCLUSIVE
    assert "it does not count 'mistyped'" in said.blind[0].why


async def test_a_source_that_is_down_for_a_moment_costs_only_that_moment() -> None:
    world = MemoryWorld()
    world.source.fail_times = 2
    seen = await observed(world, request())
    assert seen.evaluation.outcome is Outcome.FIRED
    assert seen.evaluation.reasons == (seen.evaluation.factors[0].reason,)


async def test_a_source_is_asked_once_a_tick_for_all_its_signals() -> None:
    world = MemoryWorld()
    signals = dict.fromkeys(("errors", "again", "more"), PLAYBOOK.signals["errors"])
    seen = await observed(world, request(signals=signals))
    assert world.source.looks == seen.ticks


async def test_the_service_and_the_release_are_filled_into_the_queries() -> None:
    world = MemoryWorld()
    for name in ('bad{release="r2"}', 'all{service="chat"}'):
        world.source.change(name, baseline=0, candidate=1)
    signal = RatioSignal.model_validate(
        {
            "kind": "ratio",
            "family": "quality",
            "source": "metrics",
            "bad": 'bad{release="$release"}',
            "of": 'all{service="$service"}',
        }
    )
    seen = await observed(world, request(signals={"errors": signal}))
    assert seen.evaluation.factors[0].rate == 1


async def test_an_unknown_source_is_an_error_before_anything_is_watched() -> None:
    world = MemoryWorld()
    signal = PLAYBOOK.signals["errors"].model_copy(update={"source": "elsewhere"})
    failure = await failed(watching(world).observe, request(signals={"errors": signal}))
    assert (failure.message, failure.non_retryable) == (
        "Unknown source 'elsewhere'. Known: metrics.",
        True,
    )
    assert world.source.looks == 0


async def test_another_worker_goes_on_with_the_same_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.signals.HEARTBEAT_S", 0.001)
    undisturbed = await observed(MemoryWorld(), request())
    world, attempts = MemoryWorld(), Attempts()
    world.clock.go_on(times=6)
    killed = asyncio.create_task(attempts.run(watching(world).observe, request()))
    await world.clock.reached(7)
    while not (attempts.heartbeats and getattr(attempts.heartbeats[-1], "ticks", 0) == 7):  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    world.clock.go_on()
    resumed = await attempts.run(watching(world).observe, request())
    assert resumed == undisturbed
    assert world.clock.now() - START == 4 * MINUTE


async def test_a_resumed_watch_ends_when_the_first_one_would_have() -> None:
    world, attempts = MemoryWorld(), Attempts()
    world.heal()
    attempts.heartbeats.append(Watch(started_at=START - 9 * MINUTE))
    await attempts.run(watching(world).observe, request())
    assert world.clock.now() - START == MINUTE


async def test_a_cancelled_watch_ends_at_once_and_leaves_nothing_running() -> None:
    world = MemoryWorld()
    world.clock.pause()
    before = asyncio.all_tasks()
    running = asyncio.create_task(Attempts().run(watching(world).observe, request()))
    await world.clock.reached(1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert asyncio.all_tasks() == before


async def test_the_requests_of_the_candidate_are_counted() -> None:
    world = MemoryWorld()
    world.clock.advance(MINUTE)
    count = CountRequests(service="chat", release="r2", count=CountQuery(source="metrics", query="served"))
    assert (await done(watching(world).count_requests, count)).served == 6000
    world.source.blind = True
    assert (await done(watching(world).count_requests, count)).served is None


async def test_a_count_that_cannot_be_had_is_an_error() -> None:
    world = MemoryWorld()
    unknown = CountRequests(service="chat", release="r2", count=CountQuery(source="x", query="served"))
    assert (await failed(watching(world).count_requests, unknown)).message == (
        "Unknown source 'x'. Known: metrics."
    )
    mistyped = unknown.model_copy(update={"count": CountQuery(source="metrics", query="srved")})
    assert "it does not count 'srved'" in (await failed(watching(world).count_requests, mistyped)).message
    world.source.unreachable = True
    count = unknown.model_copy(update={"count": CountQuery(source="metrics", query="served")})
    assert not (await failed(watching(world).count_requests, count)).non_retryable
