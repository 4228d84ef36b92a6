"""Leases of targets in memory."""

from __future__ import annotations

from datetime import datetime

from adapters.faults import Faulty
from backout.errors import Unreachable


class MemoryLeases(Faulty):
    """Which incident has which target of a service."""

    def __init__(self) -> None:
        super().__init__("leases memory")
        self.held: dict[tuple[str, str], str] = {}
        """The incident, by target and service."""
        self.loses_answers = 0
        """So many next take-overs take effect, and raise Unreachable."""

    async def take(
        self,
        *,
        target: str,
        service: str,
        incident: str,
        at: datetime,  # noqa: ARG002  # the port's shape
        instead_of: str = "",
    ) -> str:
        """Lease a target unless another incident has it; return which has it then."""
        await self.enter()
        holder = self.held.get((target, service), incident)
        if holder in {incident, instead_of}:
            holder = self.held[target, service] = incident
        if instead_of and self.loses_answers > 0:
            self.loses_answers -= 1
            raise Unreachable(what=self.name, why="the answer was lost")
        return holder

    async def leave(self, *, incident: str) -> None:
        """Give back everything that an incident has leased."""
        await self.enter()
        self.held = {place: holder for place, holder in self.held.items() if holder != incident}
