"""What proves a baseline and what does not: each doubt by itself, with its numbers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backout import proving
from backout.messages import CheckResult
from backout.proof import Floor, Known, Proof, question, waiver, way_out
from backout.proving import MOST_CHOICES, TICKS
from backout.releases import BaselineRecord
from backout.view import IncidentOutcome
from tests.invariants.properties import widely
from tests.unit import proofs
from tests.unit.proofs import DAY, HOUR, NOW, WANTED, asked, blind, floor, incident, known, quarantine, served

BEFORE = served(start=NOW - 4 * DAY, end=NOW - 3 * DAY, before="r2", since=NOW - 4 * DAY, until=NOW - 3 * DAY)


def proof(found: Known | None, lowest: Floor | None = None) -> Proof:
    return proving.proof(asked(), found, lowest, ())


@pytest.mark.parametrize(
    ("found", "doubt"),
    [
        (known(served=(served(812),)), "it served 812 of 10,000 requests in the last 1d"),
        (known(served=(blind(),)), "no data on how many requests it served in the last 1d"),
        (
            known(served=(blind("metrics did not answer."),)),
            "no data on how many requests it served in the last 1d (metrics did not answer)",
        ),
        (
            known(served=(served(since=NOW - 3 * HOUR),)),
            "it was seen from 2026-01-15 09:00 UTC to 2026-01-15 12:00 UTC: 3h, not 1d",
        ),
        (
            known(incidents=(incident(),)),
            "an incident was open on it from 2026-01-14 06:00 UTC to 2026-01-15 11:00 UTC",
        ),
        (
            known(incidents=(incident(closed_at=None, outcome=IncidentOutcome.OPEN),)),
            "an incident was open on it from 2026-01-14 06:00 UTC and goes on",
        ),
        (known(quarantines=(quarantine(),)), "it is quarantined since 2026-01-13 12:00 UTC: unsafe answers"),
        (
            known(quarantines=(quarantine("r0"),)),
            "it is quarantined as r0 since 2026-01-13 12:00 UTC: unsafe answers",
        ),
        (known(record=None), "it is not registered, so no digest of its artifacts is on record"),
    ],
    ids=[
        "too few requests",
        "no data",
        "no data with its reason",
        "not for long enough",
        "an incident in that time",
        "an open incident",
        "quarantined",
        "an artifact is quarantined under another name",
        "not registered",
    ],
)
def test_what_speaks_against_a_baseline_is_said_with_its_numbers(found: Known, doubt: str) -> None:
    doubted = proof(found)
    assert [one.text for one in doubted.doubts] == [doubt]
    assert not doubted.is_proven


def test_a_baseline_against_which_nothing_speaks_is_proven_and_says_by_what() -> None:
    found = proof(known(), floor())
    assert found.is_proven
    assert found.shown == (
        "it served 20,000 requests in the last 1d",
        "no incident was open on it since 2026-01-14 12:00 UTC",
        "its artifacts are registered with their digests, and none is quarantined",
    )


@pytest.mark.parametrize(
    "harmless",
    [
        incident(outcome=IncidentOutcome.FALSE_ALARM),
        incident(closed_at=NOW - 25 * HOUR),
    ],
    ids=["a false alarm", "over before it began to show itself"],
)
def test_an_incident_that_says_nothing_of_that_time_is_no_doubt(harmless: object) -> None:
    assert proof(known(incidents=(harmless,))).is_proven


def test_what_it_served_before_the_candidate_came_is_proof_too() -> None:
    found = proof(known(served=(served(0), BEFORE)))
    assert found.is_proven
    assert found.shown[0] == "it served 20,000 requests in the 1d before r2 was registered"
    since = proof(known(served=(served(0), BEFORE), incidents=(incident(closed_at=NOW - 2 * DAY),)))
    assert [one.kind for one in since.doubts] == ["incident"]


def test_the_time_that_proves_counts_before_the_one_with_more_requests() -> None:
    many = served(90_000, since=NOW - 3 * HOUR)
    assert (
        proof(known(served=(many, BEFORE))).shown[0].startswith("it served 20,000 requests in the 1d before")
    )


def test_as_many_and_as_long_as_was_asked_for_is_enough() -> None:
    slack = 2 * DAY / TICKS
    assert proof(known(served=(served(WANTED.requests, since=NOW - DAY + slack),))).is_proven
    late = served(since=NOW - DAY + slack + timedelta(minutes=1))
    assert not proof(known(served=(late,))).is_proven


def test_of_two_times_that_prove_nothing_the_better_one_is_told() -> None:
    few = BEFORE.model_copy(update={"requests": 5})
    (doubt,) = proof(known(served=(blind(), few))).doubts
    assert doubt.text == "it served 5 of 10,000 requests in the 1d before r2 was registered"


@pytest.mark.parametrize(
    ("found", "lowest", "doubt"),
    [
        (known("r1"), floor("r1"), None),
        (known("r1"), floor("r0", registered_at=NOW - 7 * DAY), None),
        (known("r1"), None, None),
        (
            known("r1"),
            floor("r3", registered_at=NOW - 6 * DAY),
            "it is older than r3, which ann (cli:ann) promoted on 2026-01-10 12:00 UTC: the floor",
        ),
        (
            known("r1"),
            floor("r3", registered_at=None),
            "it is older than r3, which ann (cli:ann) promoted on 2026-01-10 12:00 UTC: the floor",
        ),
        (
            known("r1", record=None),
            floor("r3"),
            (
                "it is not known to be newer than r3, which ann (cli:ann) promoted on 2026-01-10 12:00 UTC: "
                "the floor"
            ),
        ),
    ],
    ids=[
        "the floor itself",
        "newer than the floor",
        "no floor",
        "registered together with the floor",
        "registered before an unregistered floor was named",
        "not registered",
    ],
)
def test_nothing_older_than_the_floor_is_gone_back_to(
    found: Known, lowest: Floor | None, doubt: str | None
) -> None:
    told = [one.text for one in proof(found, lowest).doubts if one.kind == "floor"]
    assert told == ([doubt] if doubt else [])


def test_the_floor_is_the_newest_that_a_person_named_and_never_the_candidate() -> None:
    baselines = [proofs.named("r2"), proofs.named("r1"), proofs.named("r0")]
    assert proving.floor("r2", baselines) == baselines[1]
    assert proving.floor("r1", baselines) == baselines[0]
    assert proving.floor("r2", baselines[:1]) is None


@pytest.mark.parametrize(
    ("given", "registered", "lowest", "expected"),
    [
        ("r1", None, None, "r1"),
        ("", None, proofs.named("r0"), "r0"),
        ("r2", None, proofs.named("r0"), "r0"),
        ("r2", None, None, ""),
        ("r1", NOW - 6 * DAY, proofs.named("r0"), "r0"),
        ("r1", NOW - 4 * DAY, proofs.named("r0"), "r1"),
        ("r1", None, proofs.named("r0", NOW + HOUR), "r0"),
        ("r1", None, proofs.named("r0", NOW - HOUR), "r1"),
    ],
    ids=[
        "as it was known",
        "only the floor is known",
        "the candidate is not its own baseline",
        "none",
        "named since the candidate was registered",
        "named before the candidate was registered",
        "named since the incident began, of an unregistered candidate",
        "named before that",
    ],
)
def test_a_baseline_that_was_named_since_takes_the_place_of_the_one_that_was_known(
    given: str, registered: object, lowest: BaselineRecord | None, expected: str
) -> None:
    candidate = proofs.record("r2", NOW).model_copy(update={"registered_at": registered})
    found = proving.baseline(
        asked(baseline=given, known_at=NOW),
        candidate if registered else None,
        Floor(named=lowest) if lowest else None,
    )
    assert found == expected


def test_without_any_baseline_the_choices_are_told_each_with_what_is_proven_and_what_not() -> None:
    bad = known("r0", served=(served(3),))
    found = proving.proof(asked(), None, None, (known("r1"), bad))
    assert [one.text for one in found.doubts] == ["no last known good release of chat is known"]
    assert [choice.brief for choice in found.choices] == ["r1 (proven)", "r0 (not proven)"]
    assert found.choices[1].line == (
        "r0, registered 2026-01-09 12:00 UTC: its artifacts are registered with their digests, and none is "
        "quarantined; not proven: it served 3 of 10,000 requests in the last 1d"
    )
    asking = question(found, service="chat", candidate="r2").splitlines()
    assert asking[0] == "Revert chat r2: no last known good release of chat is known"
    assert asking[1:4] == ["Other releases:", *(f"- {choice.line}" for choice in found.choices)]
    assert "choices: r1 (proven), r0 (not proven)" in way_out(found, service="chat")
    assert MOST_CHOICES == 5


def test_a_check_that_does_not_pass_is_a_doubt_and_one_that_does_is_told() -> None:
    passed = CheckResult(check="digests", passed=True, found="5 of 5 are as registered")
    failed = CheckResult(check="index", passed=False, found="no such index")
    found = proof(known()).checked((passed, failed))
    assert found.shown[-1] == "check digests passed: 5 of 5 are as registered"
    assert [one.text for one in found.doubts] == ["check index failed: no such index"]


def test_an_override_is_bound_to_the_baseline_and_what_it_lacks_and_not_to_the_passing_count() -> None:
    few, fewer = (proof(known(served=(served(number),))) for number in (812, 811))
    other = proof(known("r0", served=(served(812),)))
    worse = proof(known(served=(served(812),), quarantines=(quarantine(),)))
    bound = [waiver(one, incident="i", step="revert") for one in (few, fewer, other, worse)]
    assert bound[0] == bound[1]
    assert len(set(bound)) == 3
    assert waiver(few, incident="i", step="again") != bound[0]


@widely
@given(
    requests=st.integers(0, 2 * WANTED.requests),
    lasted=st.timedeltas(timedelta(0), DAY),
    registered=st.booleans(),
    quarantined=st.booleans(),
    troubled=st.booleans(),
)
def test_a_baseline_is_proven_only_where_nothing_at_all_is_missing(
    *, requests: int, lasted: timedelta, registered: bool, quarantined: bool, troubled: bool
) -> None:
    facts: dict[str, Any] = {"served": (served(requests, since=NOW - lasted),)}
    facts |= {} if registered else {"record": None}
    facts |= {"quarantines": (quarantine(),)} if quarantined else {}
    facts |= {"incidents": (incident(),)} if troubled else {}
    is_enough = requests >= WANTED.requests and lasted >= DAY - 2 * DAY / TICKS
    whole = registered and not quarantined and not troubled and is_enough
    assert proof(known(**facts)).is_proven == whole
