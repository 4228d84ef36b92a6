"""What each observation means to the watch of a release."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from backout import guarding
from backout.case import OpenIncident
from backout.counting import Totals
from backout.evaluation import Blindness, Evaluation, Factor, Outcome, Verdict
from backout.guard import Place
from backout.guard_release import Follow, GuardRelease
from backout.guarding import MOST_TRANSITIONS, Guarded
from backout.model import digest_of
from backout.playbook import Playbook
from backout.requests import Observation
from backout.rules import Do
from backout.watch import Began, Standing, Track, Watch
from tests.workflows.playbooks import playbook

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BOOK = playbook()
WELL = Evaluation(outcome=Outcome.INCONCLUSIVE)
FIRED = Evaluation(outcome=Outcome.FIRED, rule="critical", do=Do.REVERT, reasons=("error_rate: 30 %",))
NEW = Guarded(since=NINE)


def observed(
    said: Evaluation = WELL,
    *,
    judged: int = 100,
    told: tuple[str, ...] = (),
    fired_at: datetime | None = None,
    after: timedelta = MINUTE,
) -> Observation:
    watch = Watch(
        started_at=NINE,
        at=NINE + after,
        ticks=4,
        tracks={"errors": Track(judged=judged, totals=Totals(bad=1, of=judged))},
        told=Standing(blind=told),
        fired_at={"critical": fired_at} if fired_at else {},
    )
    return Observation(evaluation=said, ticks=4, watch=watch)


def blind(do: Literal["report", "page", "hold"] = "hold", source: str = "metrics") -> Evaluation:
    blindness = Blindness(source=source, criteria=("error_rate",), since=NINE, why="down", do=do)
    return Evaluation(outcome=Outcome.INCONCLUSIVE, blind=(blindness,))


def after(*seen: Observation) -> Guarded:
    guarded = NEW
    for one in seen:
        guarded = guarded.heard(one, now=NINE)
        guarded = guarded.calling(guarded.causes(one, now=NINE), one.evaluation)
    return guarded


def guard(book: Playbook = BOOK) -> GuardRelease:
    place = Place(service="chat", release="r2", baseline="r1")
    return GuardRelease(
        place=place, playbook=book, digest=digest_of(book), owner="team-chat", registered_at=NINE
    )


def test_blindness_before_the_first_data_is_no_transition_and_calls_nobody() -> None:
    unseen = observed(blind(), judged=0, told=("metrics",))
    waiting = after(unseen)
    assert (waiting.state(BOOK.rearm), waiting.transitions) == ("waiting", ())
    assert waiting.causes(unseen, now=NINE) == ()


def test_a_source_that_never_gave_data_is_said_at_once_and_calls_people_once_after_an_hour() -> None:
    unseen, late = (
        observed(blind(), judged=0, told=("metrics",), after=after_so_long)
        for after_so_long in (timedelta(minutes=59), timedelta(hours=1))
    )
    waiting = after(unseen)
    assert guard().view(waiting).trouble.startswith("source metrics gives no data since 2026-01-05 09:00:00")
    assert waiting.lasting(BOOK) == timedelta(hours=1)
    assert waiting.causes(unseen, now=NINE) == ()
    causes = waiting.causes(late, now=NINE)
    assert [cause.what for cause in causes] == ["blind metrics"]
    assert waiting.calling(causes, late.evaluation).causes(late, now=NINE) == ()
    assert guard().view(waiting.heard(observed(), now=NINE)).trouble == ""


def test_a_source_that_never_could_be_asked_calls_people_after_an_hour() -> None:
    waiting = NEW.blinded("Unknown source", BOOK, now=NINE)
    unknown = Observation(evaluation=blind(), ticks=0)
    assert waiting.causes(unknown, now=NINE + timedelta(minutes=59)) == ()
    assert [cause.what for cause in waiting.causes(unknown, now=NINE + timedelta(hours=1))] == [
        "blind metrics"
    ]


def test_a_call_that_did_not_come_through_is_tried_again_with_its_evidence_and_is_said() -> None:
    fired, quiet = observed(FIRED, fired_at=NINE), observed(after=2 * MINUTE)
    guarded = NEW.heard(fired, now=NINE)
    owing = guarded.owing(guarded.causes(fired, now=NINE), fired).heard(quiet, now=NINE)
    said = "people could not be called for rule critical; trying again"
    assert guard().view(owing).trouble == said
    assert owing.lasting(BOOK) == 8 * BOOK.tick
    causes = owing.causes(quiet, now=NINE)
    assert [cause.what for cause in causes] == ["rule critical"]
    assert owing.evidence(quiet).evaluation == FIRED
    again = owing.owing(causes, quiet)
    assert again.evidence(quiet).evaluation == FIRED
    called = again.calling(causes, quiet.evaluation)
    assert called.causes(quiet, now=NINE) == ()
    assert guard().view(called).trouble == ""


def test_the_first_data_is_the_first_transition() -> None:
    guarded = after(observed(judged=0), observed())
    assert guarded.state(BOOK.rearm) == "watching"
    assert [one.evaluation for one in guarded.transitions] == [WELL]


def test_a_counter_of_rare_events_that_stands_still_is_data_and_its_silence_calls_people() -> None:
    seen = observed(judged=0)
    assert seen.watch
    still = {"errors": Track(totals=Totals(bad=0, of=0), seen_at=NINE)}
    guarded = NEW.heard(
        seen.model_copy(update={"watch": seen.watch.model_copy(update={"tracks": still})}), now=NINE
    )
    assert guarded.state(BOOK.rearm) == "watching"
    assert [cause.what for cause in guarded.causes(observed(blind()), now=NINE)] == ["blind metrics"]


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


def test_a_firing_calls_people_once_and_the_next_one_calls_them_again() -> None:
    first, second = (observed(FIRED, fired_at=NINE + n * MINUTE) for n in (1, 90))
    (cause,) = NEW.heard(first, now=NINE).causes(first, now=NINE)
    assert (cause.what, cause.since, cause.why) == ("rule critical", NINE + MINUTE, "error_rate: 30 %")
    assert after(first).causes(first, now=NINE) == ()
    assert [one.since for one in after(first).causes(second, now=NINE)] == [NINE + 90 * MINUTE]


@pytest.mark.parametrize(
    ("do", "called"), [("report", []), ("page", ["blind metrics"]), ("hold", ["blind metrics"])]
)
def test_blindness_calls_people_where_its_criteria_want_it(
    do: Literal["report", "page", "hold"], called: list[str]
) -> None:
    causes = after(observed()).causes(observed(blind(do)), now=NINE)
    assert [cause.what for cause in causes] == called


def test_a_source_that_stays_blind_is_one_cause_until_it_sees_again() -> None:
    unseen = observed(blind(), told=("metrics",))
    assert after(observed(), unseen).causes(unseen, now=NINE) == ()
    assert len(after(observed(), unseen, observed()).causes(unseen, now=NINE)) == 1


def test_all_blind_sources_are_called_for_together() -> None:
    both = Evaluation(outcome=Outcome.INCONCLUSIVE, blind=(*blind().blind, *blind(source="judges").blind))
    causes = after(observed()).causes(observed(both), now=NINE)
    assert [cause.what for cause in causes] == ["blind metrics", "blind judges"]
    assert "source metrics gives no data since 2026-01-05 09:00:00 UTC (down)" in causes[0].why


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


def test_the_incident_begins_with_the_evidence_without_the_watch_s_bulk() -> None:
    opening = guard().opening(observed(FIRED))
    assert isinstance(opening, OpenIncident)
    assert (opening.incident, opening.baseline) == ("incident/chat/r2", "r1")
    assert opening.found == Observation(evaluation=FIRED, ticks=4, watch=None)


def test_the_same_cause_is_one_episode_and_another_firing_is_another() -> None:
    first, second = (
        guard().alert(NEW.heard(seen, now=NINE).causes(seen, now=NINE)[0])
        for seen in (observed(FIRED, fired_at=NINE), observed(FIRED, fired_at=NINE + MINUTE))
    )
    assert (first.source, first.name, first.status) == ("backout-watch", "rule critical", "firing")
    assert first.fingerprint == second.fingerprint
    assert first.episode != second.episode


def changed(**criterion: object) -> Playbook:
    """Return the playbook with another criterion on errors, and with one more."""
    first, *others = BOOK.criteria
    more = first.model_copy(update={"id": "another"})
    return BOOK.model_copy(update={"criteria": (first.model_copy(update=criterion), *others, more)})


def evidence(book: Playbook) -> dict[str, tuple[float, ...]]:
    factor = Factor(criterion="error_rate", verdict=Verdict.HEALTHY, reason="fine")
    watch = Watch(
        started_at=NINE,
        tracks={"errors": Track(judged=5)},
        evidence={"error_rate": (1.0, 2.0), "error_rate[de]": (3.0,)},
        began=dict.fromkeys(("error_rate", "error_rate[de]"), Began(at=NINE, bad=1, judged=5)),
    )
    said = WELL.model_copy(update={"factors": (factor,)})
    guarded = NEW.heard(Observation(evaluation=said, ticks=1, watch=watch), now=NINE)
    after_it, kept = guard().following(Follow(playbook=book, digest=digest_of(book)), guarded)
    assert (after_it.playbook, after_it.digest) == (book, digest_of(book))
    assert kept.watch is not None
    assert set(kept.watch.tracks) == ({"errors"} if book.signals == BOOK.signals else set())
    assert kept.watch.began.keys() == kept.watch.evidence.keys()
    return kept.watch.evidence


def test_evidence_goes_along_to_a_playbook_that_says_the_same_of_its_criterion() -> None:
    assert set(evidence(changed())) == {"error_rate", "error_rate[de]"}


def test_evidence_of_a_changed_criterion_signal_or_tick_is_forgotten() -> None:
    errors = BOOK.signals["errors"].model_copy(update={"bad": "failed"})
    assert evidence(changed(min_sample=5)) == {}
    assert evidence(BOOK.model_copy(update={"signals": {"errors": errors}})) == {}
    assert evidence(BOOK.model_copy(update={"tick": MINUTE})) == {}
