"""What a replay sees and what only the digest sees, shown by changes to our own workflows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.common import RetryPolicy
from temporalio.worker import UnsandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from tests.replay.commands import replayed
from tests.replay.digest import digest
from tests.replay.golden import Golden
from workflows import options
from workflows.desk import Desk
from workflows.revert import StagedRevert, WalkDown, WalkedDown

# Outside of the sandbox, which loads the workflows anew, so that a changed module is seen.
OPEN_RUNNER = UnsandboxedWorkflowRunner()
INCIDENT = Golden("automatic-whole-playbook", "incident")
REVERT = Golden("automatic-whole-playbook", "revert-1")
Change = Callable[[pytest.MonkeyPatch], None]


def a_timeout(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(options, "RUN_CHECK", replace(options.RUN_CHECK, start_to_close=timedelta(seconds=31)))


def a_retry_policy(patch: pytest.MonkeyPatch) -> None:
    once = RetryPolicy(maximum_attempts=1)
    patch.setattr(options, "WRITE_POSTMORTEM", replace(options.WRITE_POSTMORTEM, retry_policy=once))


def a_timer(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(options, "LAST_WORD", timedelta(seconds=61))


def an_input(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Desk, "key", "another-key")


CHANGES = {
    "a timeout": (a_timeout, '+  start_to_close_timeout = "31 s"'),
    "a retry policy": (a_retry_policy, "+  retry_policy.maximum_attempts = 1"),
    "the duration of a timer": (a_timer, '+  start_to_fire_timeout = "61 s"'),
    "the key of the effects": (an_input, '+  input.0.key = "another-key/1"'),
}


async def todays_digest(golden: Golden) -> str:
    history = golden.history()
    return digest(history, await replayed(history, OPEN_RUNNER))


@pytest.mark.parametrize(("change", "line"), CHANGES.values(), ids=CHANGES)
async def test_a_replay_does_not_see_a_change_of_meaning_but_the_digest_does(
    change: Change, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch)
    assert line in INCIDENT.changes(await todays_digest(INCIDENT)).splitlines()


async def test_a_command_in_another_order_fails_the_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    async def soaks_before_it_sets(self: StagedRevert, walk: WalkDown) -> WalkedDown:
        await self._soak(walk.stages[0])
        await self._set(walk.stages[0], after=None)
        return self._ended("complete")

    monkeypatch.setattr(StagedRevert, "_over", soaks_before_it_sets)
    with pytest.raises(NondeterminismError, match="set-exposure-1-50"):
        await todays_digest(REVERT)


async def test_without_a_change_there_is_nothing_to_see() -> None:
    assert not INCIDENT.changes(await todays_digest(INCIDENT))
