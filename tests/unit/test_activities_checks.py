"""An integrity check looks once; what it cannot see is no failed check."""

from __future__ import annotations

from activities.checks import CheckActivities
from adapters.memory import MemoryCheck, MemoryStore
from backout.messages import CheckResult
from backout.requests import RunCheck
from tests.unit.attempts import done, failed

REQUEST = RunCheck(check="consistent", service="chat", release="r2")


async def test_its_result_is_returned_as_it_is() -> None:
    check = MemoryCheck("consistent")
    check.passes, check.found = False, "12 stale entries"
    result = await done(CheckActivities(checks={"consistent": check}, store=MemoryStore()).run_check, REQUEST)
    assert result == CheckResult(check="consistent", passed=False, found="12 stale entries")


async def test_a_world_that_cannot_be_seen_is_tried_again() -> None:
    check = MemoryCheck()
    check.unreachable = True
    failure = await failed(
        CheckActivities(checks={"consistent": check}, store=MemoryStore()).run_check, REQUEST
    )
    assert (failure.type, failure.non_retryable) == ("Unreachable", False)


async def test_an_unknown_check_lists_the_known_ones() -> None:
    checks = {"b": MemoryCheck(), "a": MemoryCheck()}
    failure = await failed(CheckActivities(checks=checks, store=MemoryStore()).run_check, REQUEST)
    assert failure.message == "Unknown check 'consistent'. Known: a, b."
    assert failure.non_retryable
