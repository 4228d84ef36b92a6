"""What each observation means to the watch of a release."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from backout import guarding
from backout.guarding import MOST_TRANSITIONS, SPARED, Guarded
from backout.watch import Watch
from tests.unit.observed import BOOK, FIRED, MINUTE, NEW, NINE, WELL, after, blind, observed
from tests.workflows.playbooks import playbook


def test_the_first_data_is_the_first_transition() -> None:
    guarded = after(observed(judged=0), observed())
    assert guarded.state(BOOK.rearm) == "watching"
    assert [one.evaluation for one in guarded.transitions] == [WELL]


def test_an_observation_that_only_came_to_its_end_is_no_transition() -> None:
    assert len(after(observed(), observed(after=2 * MINUTE)).transitions) == 1


def test_a_change_that_was_told_is_a_transition_with_its_evaluation_and_its_time() -> None:
    said = blind("report")
    guarded = after(observed(), observed(said, told=("metrics",), after=5 * MINUTE))
    assert guarded.transitions[-1].evaluation == said
    assert guarded.transitions[-1].at == NINE + 5 * MINUTE


def test_the_newest_transitions_are_kept() -> None:
    seen = [observed(FIRED, fired_at=NINE + n * MINUTE, after=n * MINUTE) for n in range(1, 30)]
    kept = after(*seen).transitions
    assert len(kept) == MOST_TRANSITIONS
    assert kept[-1].at == NINE + 29 * MINUTE


def test_a_rule_that_fired_is_armed_again_after_its_cooldown_and_its_quiet_time() -> None:
    def state(at: timedelta, true_at: timedelta) -> str:
        watch = Watch(
            started_at=NINE,
            at=NINE + at,
            fired_at={"critical": NINE},
            true_at={"critical": NINE + true_at},
        )
        return Guarded(since=NINE, counted=True, watch=watch).state(BOOK.rearm)

    assert state(timedelta(minutes=59), timedelta()) == "fired"
    assert state(timedelta(minutes=61), timedelta(minutes=55)) == "fired"
    assert state(timedelta(minutes=61), timedelta(minutes=50)) == "watching"


def test_an_observation_lasts_a_day_but_for_what_is_known_earlier() -> None:
    assert NEW.lasting(BOOK) == 8 * BOOK.tick
    assert after(observed()).blinded("down", BOOK, now=NINE).lasting(BOOK) == 8 * BOOK.tick
    assert after(observed()).lasting(BOOK) == timedelta(days=1)
    assert after(observed(FIRED, fired_at=NINE)).lasting(BOOK) == BOOK.rearm.cooldown
    unexposed = after(observed()).model_copy(update={"unexposed": True})
    assert unexposed.lasting(BOOK) == timedelta(hours=1)


def test_where_nothing_can_be_observed_every_source_is_blind_and_it_is_said_once() -> None:
    missing: dict[str, Any] = {"missing": {"do": "page"}}
    criteria = [
        {"id": "errors", "signal": "errors", "test": {"compare": "limit", "max": "1%"}},
        {"id": "few", "signal": "errors", "test": {"compare": "limit", "max": "2%"}, **missing},
    ]
    book = playbook(criteria=criteria, rules=[{"id": "critical", "when": {"any_of": ["errors"]}}])
    guarded = after(observed()).blinded("unknown source", book, now=NINE)
    guarded = guarded.blinded("unknown source", book, now=NINE + MINUTE)
    said = guarded.transitions[-1].evaluation
    assert (guarded.trouble, guarded.troubles, len(guarded.transitions)) == ("unknown source", 2, 2)
    assert [(one.source, one.criteria, one.do) for one in said.blind] == [
        ("metrics", ("errors", "few"), "page")
    ]
    assert (said.blind[0].since, said.blind[0].why) == (NINE + MINUTE, "unknown source")


def test_the_end_of_trouble_is_a_transition() -> None:
    guarded = after(observed()).blinded("unknown source", BOOK, now=NINE).heard(observed(), now=NINE)
    assert (guarded.trouble, guarded.troubles) == ("", 0)
    assert len(guarded.transitions) == 3


def test_what_is_carried_over_fits_and_the_newest_transitions_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [observed(FIRED, fired_at=NINE + n * MINUTE, after=n * MINUTE) for n in range(1, 10)]
    guarded = after(*seen)
    assert guarded.fitting() == guarded
    monkeypatch.setattr(guarding, "MOST_CARRIED", len(guarded.model_dump_json()) - 1)
    assert guarded.fitting().transitions == guarded.transitions[1:]
    monkeypatch.setattr(guarding, "MOST_CARRIED", 1)
    assert guarded.fitting().transitions == guarded.transitions[-1:]


def test_a_rule_that_was_spared_is_said_so_called_for_nobody_and_asked_about_again_soon() -> None:
    fired = observed(FIRED, fired_at=NINE + MINUTE)
    heard = NEW.heard(fired, now=NINE)
    spared = heard.calling((), FIRED).sparing(heard.causes(fired, now=NINE), BOOK.rearm)
    assert (spared.spared, spared.unexposed, spared.called) == (("critical",), True, {})
    assert spared.transitions[-1].evaluation.reasons == ("error_rate: 30 %", SPARED)
    assert (spared.state(BOOK.rearm), heard.state(BOOK.rearm)) == ("watching", "fired")
    assert spared.lasting(BOOK) == timedelta(minutes=5)


def test_a_rule_that_was_spared_is_armed_at_once_where_there_may_be_traffic_unless_it_calls() -> None:
    fired = observed(FIRED, fired_at=NINE + MINUTE)
    heard = NEW.heard(fired, now=NINE)
    causes = heard.causes(fired, now=NINE)
    spared = heard.sparing(causes, BOOK.rearm)
    armed, calls = spared.exposed(()), spared.exposed(causes)
    assert armed.watch
    assert calls.watch
    assert (armed.spared, armed.unexposed, armed.watch.fired_at) == ((), False, {})
    assert (calls.spared, calls.watch.fired_at) == ((), {"critical": NINE + MINUTE})


def test_a_rule_that_was_spared_and_is_armed_again_by_itself_is_forgotten() -> None:
    fired = observed(FIRED, fired_at=NINE + MINUTE)
    heard = NEW.heard(fired, now=NINE)
    spared = heard.sparing(heard.causes(fired, now=NINE), BOOK.rearm)
    later = spared.heard(observed(fired_at=NINE + MINUTE, after=timedelta(hours=3)), now=NINE)
    assert later.sparing((), BOOK.rearm).spared == ()


def test_an_exposure_that_cannot_be_read_is_trouble_and_read_again_soon() -> None:
    unread = after(observed()).model_copy(update={"unread": "Unknown target 'nowhere'"})
    assert (
        unread.troubled
        == "the exposure cannot be read, so nothing could be reverted: Unknown target 'nowhere'"
    )
    assert unread.lasting(BOOK) == timedelta(minutes=5)


def test_what_a_heartbeat_left_counts_only_where_it_is_newer() -> None:
    known, older, newer = (observed(after=n * MINUTE) for n in (2, 1, 3))
    guarded = after(known)
    assert guarded.resuming(older.watch).watch == known.watch
    assert guarded.resuming(newer.watch).watch == newer.watch
    assert guarded.resuming(None).watch == known.watch
    assert NEW.resuming(older.watch).watch == older.watch
