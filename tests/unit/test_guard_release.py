"""What the watch of a release asks and tells others, and what goes along to another playbook."""

from __future__ import annotations

from backout.case import OpenIncident
from backout.evaluation import Factor, Verdict
from backout.guard_release import Follow
from backout.model import digest_of
from backout.playbook import Playbook
from backout.requests import Observation
from backout.watch import Began, Track, Watch
from tests.unit.observed import BOOK, FIRED, MINUTE, NEW, NINE, WELL, after, guard, observed


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


def test_what_a_stopped_observation_left_goes_along_only_from_the_snapshot_that_it_was_of() -> None:
    newer = observed(after=3 * MINUTE).watch
    change = Follow(playbook=BOOK, digest="new", before=digest_of(BOOK), left=newer)
    _, kept = guard().following(change, after(observed()))
    assert kept.watch == newer
    _, stale = guard().following(change.model_copy(update={"before": "another"}), after(observed()))
    assert stale.watch == observed().watch
