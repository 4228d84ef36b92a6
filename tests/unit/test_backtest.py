"""Backtests: the simulation fires where a watch would, and what comes of it is held against the gate."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backout import triggers
from backout.backtest import Backtest, Gate, Period
from backout.counting import Look, MarkedEvent, Totals
from backout.evaluation import Outcome
from backout.recorded import Row
from backout.simulation import Simulation
from backout.watch import Watch
from tests.unit.recorded import LIMIT, RATIO, START, TICK, at, backtested, guard, looks, stream

HOUR = 240
SLOW = timedelta(minutes=10)
DAY = 144
"""Ticks of the slow guard."""
BAD_TIME = Period(start=at(hours=1), end=at(hours=1, minutes=30))
SICK = [(HOUR, 0.01), (HOUR // 2, 0.08), (HOUR // 2, 0.01)]


def slowly(rates: list[tuple[int, float]], gate: Gate | None = None) -> Backtest:
    return backtested(looks(stream(rates, tick=SLOW), tick=SLOW), by=guard(tick="10m"), gate=gate)


def test_a_bad_time_is_caught_within_minutes_and_nothing_else_fires() -> None:
    result = backtested(looks(stream(SICK)), by=guard(), bad=[BAD_TIME])
    (caught,) = result.caught
    assert caught.rule == "critical"
    assert caught.after is not None
    assert timedelta(minutes=4) <= caught.after < timedelta(minutes=10)
    assert (result.false, len(result.rules[0].fires)) == (0, 1)
    assert "evidence" in result.rules[0].fires[0].reasons[0]


def test_the_simulation_fires_in_the_very_tick_in_which_a_watch_does() -> None:
    watch, fired = Watch(started_at=START), []
    for look in looks(stream(SICK)):
        watch, said = triggers.tick(watch, look, guard=guard())
        fired += [look.at] if said.outcome is Outcome.FIRED else []
    result = backtested(looks(stream(SICK)), by=guard())
    assert [fire.at for fire in result.rules[0].fires] == fired
    assert fired


def test_what_comes_later_changes_nothing_before_it() -> None:
    early = backtested(looks(stream(SICK[:2])), by=guard()).rules[0].fires
    whole = backtested(looks(stream(SICK)), by=guard()).rules[0].fires
    assert early == whole[: len(early)]
    assert early


def test_the_same_fire_outside_of_every_bad_period_is_a_false_one() -> None:
    other = Period(start=at(minutes=10), end=at(minutes=20))
    result = backtested(looks(stream(SICK)), by=guard(), bad=[other])
    assert (result.false, result.caught[0].rule) == (1, None)
    assert result.false_per_day == pytest.approx(1 / result.healthy_days)


def test_a_fire_that_comes_until_things_are_quiet_again_is_late_and_not_false() -> None:
    rates = [(HOUR, 0.01), (24, 0.08), (HOUR, 0.01)]
    early = Period(start=at(hours=1), end=at(hours=1, minutes=3))
    result = backtested(looks(stream(rates)), by=guard(), bad=[early])
    assert result.caught[0].at is not None
    assert early.end < result.caught[0].at < early.end + timedelta(minutes=10)
    assert result.false == 0


def test_days_without_data_are_no_healthy_days() -> None:
    result = slowly([(DAY, 0.005), (DAY, -1), (DAY, 0.005)])
    assert result.ticks == 3 * DAY + 1
    assert result.healthy_days == 2
    (blind,) = result.blind
    assert blind.source == "metrics"
    assert blind.share == pytest.approx(1 / 3, abs=0.02)


def test_a_rule_that_fired_fires_again_only_once_it_was_quiet_and_cool() -> None:
    rates = [(30, 0.1), (20, 0.001), (30, 0.1)]
    assert len(backtested(looks(stream(rates)), by=guard()).rules[0].fires) == 1
    rates = [(30, 0.1), (3 * HOUR, 0.001), (30, 0.1)]
    assert len(backtested(looks(stream(rates)), by=guard()).rules[0].fires) == 2


def test_after_a_bad_period_that_was_caught_the_evidence_begins_anew() -> None:
    """The release would be gone: what speaks against it must not catch the next one in its first tick."""
    first = Period(start=at(hours=1), end=at(hours=2))
    second = Period(start=at(hours=2, minutes=15), end=at(hours=3))
    rates = [(HOUR, 0.01), (HOUR, 0.2), (60, 0.01), (180, 0.2)]
    result = backtested(looks(stream(rates)), by=guard(), bad=[first, second])
    afters = [one.after for one in result.caught]
    assert all(after is not None and timedelta(minutes=3) < after < timedelta(minutes=6) for after in afters)
    assert result.false == 0


def test_an_event_of_zero_tolerance_catches_each_bad_period_by_itself() -> None:
    by = guard(
        signals={"severe": {"kind": "event", "source": "desk", "family": "safety", "events": "severe"}},
        criteria=[{"id": "severe", "signal": "severe", "test": {"compare": "event"}}],
        rules=[{"id": "critical", "when": {"any_of": ["severe"]}}],
    )
    happened = {HOUR, 4 * HOUR}
    rows = (Row(START + n * TICK, ("severe",), "", n in happened, n in happened) for n in range(1, 5 * HOUR))
    periods = [Period(start=at(hours=one), end=at(hours=one, minutes=5)) for one in (1, 4)]
    result = backtested(looks(rows), by=by, bad=periods)
    assert [one.after for one in result.caught] == [timedelta(), timedelta()]
    assert (result.false, result.blind) == (0, ())


def test_only_the_rules_that_are_judged_can_catch_or_be_false() -> None:
    rules = [
        {"id": "freeze", "do": "hold", "when": {"any_of": ["limit"], "level": "hold"}},
        {"id": "critical", "when": {"any_of": ["limit"]}},
    ]
    result = backtested(looks(stream(SICK)), by=guard(rules=rules), bad=[BAD_TIME])
    assert [(one.rule, one.judged, len(one.fires)) for one in result.rules] == [
        ("freeze", False, 1),
        ("critical", True, 1),
    ]
    assert result.caught[0].rule == "critical"
    assert result.rules[0].fires[0].at < result.rules[1].fires[0].at


def test_what_a_veto_held_back_is_counted_and_does_not_fire() -> None:
    by = guard(
        occasions={"outage": {"kind": "provider_outage"}},
        vetoes=[
            {
                "id": "not-us",
                "when": {"any_of": ["outage"]},
                "blocks": ["critical"],
                "max_hold": "2h",
                "decide_by": ["sre"],
            }
        ],
    )
    event = MarkedEvent(
        key="1", kind="provider_outage", what="their side", start=BAD_TIME.start, end=at(hours=2)
    )
    seen = [
        look.model_copy(update={"events": (event,) if event.covers(look.at) else ()})
        for look in looks(stream(SICK))
    ]
    held = backtested(seen, by=by, bad=[BAD_TIME])
    assert [(one.rule, one.veto, one.times) for one in held.held_back] == [("critical", "not-us", 1)]
    assert held.caught[0].rule is None


def test_what_only_observes_fires_nothing_and_is_counted() -> None:
    criteria = [{"id": "limit", "signal": "errors", "test": LIMIT, "mode": "observe"}]
    result = backtested(looks(stream(SICK)), by=guard(criteria=criteria), bad=[BAD_TIME])
    assert result.rules[0].fires == ()
    assert result.observed.get("rule critical would have fired", 0) >= 1


def test_what_is_not_in_the_data_is_said() -> None:
    criteria = [
        {"id": "limit", "signal": "errors", "test": LIMIT},
        {"id": "told", "test": {"compare": "alert", "named": "ErrorsHigh"}},
    ]
    judgments = [
        {"id": "view", "by": ["lead"], "ask": "Is it?", "expires": "1h", "answers": {"yes": "revert now"}}
    ]
    result = backtested(looks(stream([(4, 0.0)])), by=guard(criteria=criteria, judgments=judgments))
    assert result.notes == (
        "alerts are not in the data, so nothing was heard by told",
        "judgments are not in the data: view",
    )


def test_data_that_is_coarser_than_the_tick_is_said_to_be() -> None:
    rows = [row for number, row in enumerate(stream([(240, 0.01)])) if number % 4 == 0]
    (note,) = backtested(looks(rows), by=guard()).notes
    assert note == "errors had data in only 25% of the ticks: a look every 15s would have shown it in pieces"
    assert backtested(looks(stream([(120, 0.01), (120, -1)])), by=guard()).notes == ()


def test_the_whole_of_a_second_signal_is_counted_beside_the_first() -> None:
    by = guard(
        signals={"errors": RATIO, "slow": RATIO | {"bad": "slow"}},
        criteria=[
            {"id": "limit", "signal": "errors", "test": LIMIT},
            {"id": "slow", "signal": "slow", "test": LIMIT},
        ],
        rules=[{"id": "critical", "when": {"all_of": ["limit", "slow"]}}],
    )
    errors, slow = stream(SICK), stream(SICK, signal="slow", seed=2)
    assert backtested(looks(errors, slow), by=by, bad=[BAD_TIME]).caught[0].rule == "critical"
    errors, slow = stream(SICK), stream([(2 * HOUR, 0.01)], signal="slow", seed=2)
    assert backtested(looks(errors, slow), by=by, bad=[BAD_TIME]).caught[0].rule is None


def test_a_simulation_without_any_look_has_no_result_to_speak_of() -> None:
    result = Simulation(guard()).result("chat", Gate(max_false_per_day=1, rules=("critical",)))
    assert (result.start, result.false_per_day, result.passed) == (None, None, False)


def test_looks_without_a_known_stream_are_blind_and_never_healthy() -> None:
    seen = (Look(at=START + n * TICK, totals={"other": {"": Totals(bad=0, of=n)}}) for n in range(20))
    result = backtested(seen, by=guard())
    assert result.blind[0].blind_s > 0
    assert result.healthy_days == 0
