"""The least that a workflow can do: one change of exposure, and one answer to a person."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow


@workflow.defn
class OneChange:
    """Set the exposure once."""

    @workflow.run
    async def run(self, release: str) -> int:
        """Return the percent that was read back."""
        percent: int = await workflow.execute_activity(
            "set_exposure", release, result_type=int, start_to_close_timeout=timedelta(seconds=10)
        )
        return percent


@workflow.defn
class OneAnswer:
    """Wait until somebody answers."""

    def __init__(self) -> None:
        """Begin without an answer."""
        self._answer = ""

    @workflow.run
    async def run(self) -> str:
        """Return the answer."""
        await workflow.wait_condition(lambda: bool(self._answer))
        return self._answer

    @workflow.update
    def answer(self, answer: str) -> str:
        """Take the answer, and confirm it."""
        self._answer = answer
        return answer
