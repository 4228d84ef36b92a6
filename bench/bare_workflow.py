"""The least that a workflow can do for one change of exposure."""

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
