"""A watch that begins with history has its evidence at once, and goes on from it without a break."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from adapters.memory import START, MemoryWorld
from adapters.stores.memory import MemoryMarks
from backout.counting import MarkedEvent
from backout.evaluation import Outcome, Verdict
from tests.unit.attempts import Attempts, done
from tests.unit.observing import MINUTE, PLAYBOOK, observed, request, watching

HOUR = 60 * MINUTE


def lived(minutes: float) -> MemoryWorld:
    """Return a world that was healthy for an hour and then bad for so long."""
    world = MemoryWorld()
    world.heal()
    world.clock.advance(HOUR)
    world.sicken()
    world.clock.advance(minutes * MINUTE)
    return world


async def test_what_history_proves_needs_no_watching() -> None:
    world = lived(10)
    seen = await observed(world, request(look_back=HOUR))
    assert (seen.evaluation.outcome, seen.evaluation.rule) == (Outcome.FIRED, "critical")
    assert world.source.looks == 0
    assert seen.ticks == 241
    assert seen.watch is not None
    assert seen.watch.started_at == START + 10 * MINUTE


async def test_the_first_live_look_goes_on_from_the_counters_of_the_past() -> None:
    world = lived(2)
    seen = await observed(world, request(look_back=HOUR))
    assert seen.evaluation.outcome is Outcome.FIRED
    assert world.clock.now() - START == HOUR + 4 * MINUTE
    assert seen.watch is not None
    assert seen.watch.tracks["errors"].judged == 100 * 60 * 62
    assert world.source.looks == 8


async def test_a_breach_of_the_past_that_is_over_fires_nothing() -> None:
    world = MemoryWorld()
    world.clock.advance(10 * MINUTE)
    world.heal()
    world.clock.advance(50 * MINUTE)
    seen = await observed(world, request(look_back=HOUR))
    assert seen.evaluation.outcome is not Outcome.FIRED


async def test_a_breach_of_the_past_that_is_still_proven_fires_though_it_would_be_quiet() -> None:
    """In the past nobody was told, so `rearm` keeps nothing back."""
    world = lived(30)
    seen = await observed(world, request(look_back=HOUR))
    assert (seen.evaluation.outcome, world.source.looks) == (Outcome.FIRED, 0)


async def test_a_source_without_history_begins_with_nothing_and_says_so() -> None:
    world = lived(10)
    world.source.knows_history = False
    seen = await observed(world, request(look_back=HOUR))
    assert seen.evaluation.outcome is Outcome.FIRED
    assert seen.ticks == 17
    (lost,) = seen.evaluation.not_counted
    assert lost == (
        "no history of source metrics: source memory knows only the present. "
        "Use a source that keeps history, such as a Prometheus server."
    )


async def test_what_was_blind_in_the_past_calls_nobody_now() -> None:
    world = lived(0)
    world.source.blind = True
    world.clock.advance(10 * MINUTE)
    criterion = PLAYBOOK.criteria[0].model_dump(mode="json") | {"missing": {"do": "hold"}}
    world.clock.pause()
    watch = asyncio.create_task(observed(world, request(look_back=5 * MINUTE, criteria=[criterion])))
    await world.clock.reached(1)
    world.source.blind = False
    world.clock.go_on()
    assert (await watch).evaluation.outcome is Outcome.FIRED


async def test_alerts_of_now_fire_nothing_in_the_past_but_at_its_end() -> None:
    world = lived(10)
    alert = {"source": "cli", "fingerprint": "f", "starts_at": START, "status": "firing"}
    rules = [{"id": "both", "when": {"all_of": ["error_rate", "provider"]}}]
    seen = await observed(
        world,
        request(
            look_back=HOUR,
            criteria=PLAYBOOK.criteria,
            rules=rules,
            firing=[{**alert, "name": "ProviderDown"}],
        ),
    )
    assert (seen.evaluation.rule, world.source.looks) == ("both", 0)


async def test_another_attempt_weighs_the_past_again_as_nothing_of_it_was_kept() -> None:
    world, attempts = lived(2), Attempts()
    world.source.pause()
    killed = asyncio.create_task(attempts.run(watching(world).observe, request(look_back=HOUR)))
    await world.source.reached(1)
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    world.source.go_on()
    assert attempts.heartbeats
    seen = await attempts.run(watching(world).observe, request(look_back=HOUR))
    assert seen.watch is not None
    assert seen.watch.tracks["errors"].judged == 100 * 60 * 62


async def test_a_watch_that_goes_on_looks_back_no_more() -> None:
    world = lived(10)
    begun = await observed(world, request(lasting=timedelta(seconds=15)))
    seen = await observed(world, request(look_back=HOUR, resume=begun.watch))
    assert seen.ticks == 17
    assert seen.evaluation.factors[0].verdict is Verdict.BREACHED


def veto(*when: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401  # any field
    """Return a veto on the rule, by these names."""
    held = {"id": "wait", "when": {"any_of": when}, "blocks": ["critical"], "max_hold": "30m"}
    return {"vetoes": [{**held, "decide_by": ["commander"]}], **changes}


async def test_an_alert_of_now_did_not_hold_a_rule_back_in_the_past() -> None:
    world = lived(10)
    alert = {"source": "cli", "fingerprint": "f", "starts_at": START, "status": "firing"}
    firing = [{**alert, "name": "ProviderDown"}]
    asked = request(
        look_back=HOUR, lasting=MINUTE, criteria=PLAYBOOK.criteria, firing=firing, **veto("provider")
    )
    seen = await observed(world, asked)
    assert seen.evaluation.outcome is not Outcome.FIRED
    assert seen.evaluation.vetoed[0].until == world.clock.now() + 29 * MINUTE


async def test_an_event_that_is_over_holds_nothing_back_at_the_end_of_the_past() -> None:
    world, marks = lived(10), MemoryMarks()
    begun, over = START + 20 * MINUTE, START + 30 * MINUTE
    await marks.mark(event=MarkedEvent(key="o", kind="outage", what="it was down", start=begun, end=over))
    asked = request(look_back=HOUR, **veto("outage", occasions={"outage": {"kind": "outage"}}))
    seen = await done(watching(world, marks).observe, asked)
    assert (seen.evaluation.rule, world.source.looks) == ("critical", 0)


EVENTS: dict[str, Any] = {
    "signals": {"severe": {"kind": "event", "family": "safety", "source": "metrics", "events": "severe"}},
    "criteria": [{"id": "severe", "signal": "severe", "test": {"compare": "event"}}],
    "rules": [{"id": "zero", "when": {"any_of": ["severe"]}}],
}


@pytest.mark.parametrize(("since", "fires"), [(-30, True), (-90, False)])
async def test_events_of_the_past_count_where_their_counter_began_in_it(since: float, *, fires: bool) -> None:
    world = MemoryWorld()
    world.clock.advance(2 * HOUR + since * MINUTE)
    world.source.change("severe", baseline=0.01, candidate=0.01)
    world.clock.advance(MINUTE / 60)
    world.source.change("severe", baseline=0, candidate=0)
    world.clock.advance(-since * MINUTE - MINUTE / 60)
    seen = await observed(world, request(look_back=HOUR, lasting=MINUTE, **EVENTS))
    assert (seen.evaluation.rule == "zero", world.source.looks == 0) == (fires, fires)
