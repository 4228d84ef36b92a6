"""Prove the release that traffic is to go back to."""

from __future__ import annotations

from temporalio import activity

from activities.failures import told_to_temporal
from activities.witnesses import Witnesses
from backout.proof import Proof, ProveBaseline


class BaselineActivities:
    """What can say something of a release."""

    def __init__(self, *, witnesses: Witnesses) -> None:
        """Ask these witnesses."""
        self._witnesses = witnesses

    @activity.defn
    async def prove_baseline(self, request: ProveBaseline) -> Proof:
        """Say whether the baseline is proven, as the world is now; its checks are run apart from this."""
        with told_to_temporal():
            return await self._witnesses.proof(request)
