"""Whatever a criterion compares with: bad data makes its verdict neither healthier nor a breach."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backout import detector
from backout.evaluation import Evaluation, Outcome, Verdict
from backout.triggers import recovery
from backout.watch import Watch
from backout.weighing import BLIND_AFTER_TICKS
from tests.invariants.properties import quickly
from tests.statistics.kinds import KINDS, SUSTAIN, Seen, Shown, shown, watched
from tests.unit.views import OPENED

NAMES = st.sampled_from(list(KINDS))
HEALTH = st.lists(st.booleans(), min_size=1, max_size=20)
"""Ticks that are well, or not."""
NONSENSE = st.sampled_from(
    [None, (float("nan"), 7.0), (float("inf"), float("inf")), (-1.0, 5.0), (3.0, None)]
)


@pytest.mark.parametrize("name", KINDS)
def test_the_kinds_tell_well_from_ill(name: str) -> None:
    kind = KINDS[name]
    assert watched(kind, shown(kind, [True] * 20)).factor.verdict is Verdict.HEALTHY
    assert watched(kind, shown(kind, [True] * 5 + [False] * 20)).factor.verdict is Verdict.BREACHED


@pytest.mark.parametrize("name", KINDS)
def test_from_no_evidence_the_largest_burst_fires_exactly_when_sustain_is_over(name: str) -> None:
    kind = KINDS[name]
    looks = [
        {cell: (10**6 * tick * bad, 10**6 * tick * judged) for cell, (bad, judged) in kind.ill.items()}
        for tick in range(1, SUSTAIN + 2)
    ]
    verdicts = [watched(kind, looks[:end]).factor.verdict for end in range(2, len(looks) + 1)]
    assert Verdict.BREACHED not in verdicts[:-1]
    assert verdicts[-1] is Verdict.BREACHED


@given(NAMES, HEALTH, st.lists(st.tuples(st.integers(0, 20), NONSENSE), max_size=30))
@quickly
def test_looks_without_an_answer_or_with_nonsense_move_nothing_and_end_blind(
    name: str, ticks: list[bool], gaps: list[tuple[int, tuple[float | None, float | None] | None]]
) -> None:
    kind = KINDS[name]
    looks = shown(kind, ticks)
    gappy = list(looks)
    for place, nonsense in gaps:
        gappy.insert(place + 1, {} if nonsense is None else dict.fromkeys(kind.well, nonsense))
    once, again = watched(kind, looks), watched(kind, gappy)
    assert again.watch.evidence == once.watch.evidence
    for key, track in once.watch.tracks.items():
        assert (again.watch.tracks[key].bad, again.watch.tracks[key].judged) == (track.bad, track.judged)
    assert again.factor.verdict in {once.factor.verdict, Verdict.BLIND}


@given(NAMES, HEALTH, st.lists(st.integers(0, 6), min_size=21, max_size=21))
@quickly
def test_looks_that_are_repeated_move_nothing_and_end_blind(
    name: str, ticks: list[bool], times: list[int]
) -> None:
    kind = KINDS[name]
    looks = shown(kind, ticks)
    repeated = [look for look, more in zip(looks, times, strict=False) for _ in range(more + 1)]
    once, again = watched(kind, looks), watched(kind, repeated)
    assert again.watch.evidence == once.watch.evidence
    assert again.factor.verdict in {once.factor.verdict, Verdict.BLIND}


@given(NAMES, HEALTH, st.integers(0, 1))
@quickly
def test_while_a_part_of_it_is_silent_a_criterion_is_not_healthier_and_not_newly_breached(
    name: str, ticks: list[bool], part: int
) -> None:
    kind = KINDS[name]
    seen = watched(kind, shown(kind, ticks))
    before = seen.factor.verdict
    silent = list(kind.well)[part % len(kind.well)]
    rest = shown(kind, [*ticks, *[True] * 8])[len(ticks) + 1 :]
    for quiet, look in enumerate(rest, start=1):
        # The whole of it, or one of its parts: the others go on as if nothing were.
        answers = {} if name in {"limit", "least"} else {c: n for c, n in look.items() if c != silent}
        seen = watched(kind, [answers], seen.watch)
        if before is not Verdict.BREACHED:
            assert seen.factor.verdict is not Verdict.BREACHED
        if quiet >= BLIND_AFTER_TICKS and name in {"limit", "least", "baseline"}:
            assert seen.factor.verdict is (Verdict.BREACHED if before is Verdict.BREACHED else Verdict.BLIND)
            assert recovery(seen.watch, guard=kind.guard).outcome is Outcome.INCONCLUSIVE


@given(NAMES, HEALTH, st.data())
@quickly
def test_what_comes_late_is_counted_whole_when_it_comes(
    name: str, ticks: list[bool], data: st.DataObject
) -> None:
    kind = KINDS[name]
    if name == "drift":
        return  # A share has its whole from the same answer: what is late of it is a look without an answer.
    looks = shown(kind, [*ticks, True])
    late = [
        {cell: counts for cell, counts in look.items() if data.draw(st.booleans())} for look in looks[1:-1]
    ]
    on_time, delayed = watched(kind, looks), watched(kind, [looks[0], *late, looks[-1]])
    for key, track in on_time.watch.tracks.items():
        assert (delayed.watch.tracks[key].bad, delayed.watch.tracks[key].judged) == (track.bad, track.judged)


BURSTS = st.lists(st.integers(1, 10**5), min_size=1, max_size=SUSTAIN - 1)


@given(NAMES, BURSTS, st.lists(st.integers(0, 6), max_size=4))
@quickly
def test_from_no_evidence_no_burst_shorter_than_sustain_fires_whatever_its_size(
    name: str, burst: list[int], gaps: list[int]
) -> None:
    kind = KINDS[name]
    totals = dict.fromkeys(kind.well, (1000.0, 90_000.0))
    looks: list[Shown] = [dict(totals)]
    for size in burst:
        for cell, (bad, judged) in kind.ill.items():
            totals[cell] = (totals[cell][0] + size * bad, totals[cell][1] + size * judged)
        looks.append(dict(totals))
    for gap in gaps:
        looks.insert(min(gap, len(looks)), {})
    for end in range(1, len(looks) + 1):
        found = watched(kind, looks[:end])
        assert found.factor.verdict is not Verdict.BREACHED
        assert found.said.rule is None


@given(NAMES, HEALTH, st.integers(1, 10**5), st.integers(1, 60))
@quickly
def test_a_backlog_is_one_tick_however_much_it_brings(
    name: str, ticks: list[bool], size: int, silence: int
) -> None:
    kind = KINDS[name]
    looks = shown(kind, ticks)
    before = watched(kind, looks)
    last = looks[-1]
    arrival = {
        cell: ((last[cell][0] or 0) + size * bad, (last[cell][1] or 0) + size * judged)
        for cell, (bad, judged) in kind.ill.items()
    }
    after = watched(kind, [*[{}] * min(silence, 6), arrival], before.watch)
    for key, statistics in after.watch.evidence.items():
        earlier = detector.evidence(before.watch.evidence.get(key, detector.NO_EVIDENCE))
        assert detector.evidence(statistics) <= (earlier + 1) * kind.most * (1 + 1e-9)


@pytest.mark.parametrize("name", KINDS)
def test_a_source_that_answers_when_it_likes_reverts_no_healthy_release(name: str) -> None:
    kind, draw = KINDS[name], Random(20261121)
    looks = shown(kind, [True] * 1500)
    patchy = []
    for number in range(len(looks)):
        shift = draw.choice([0, 0, 0, 1, 2])  # an old answer
        held = looks[max(0, number - shift)]
        patchy.append({cell: counts for cell, counts in held.items() if draw.random() < 0.7})
    seen = Seen(Watch(started_at=OPENED), Evaluation(outcome=Outcome.INCONCLUSIVE))
    for look in patchy:
        seen = watched(kind, [look], seen.watch)
        assert seen.factor.verdict is not Verdict.BREACHED
