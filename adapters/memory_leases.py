"""Leases of targets in memory."""

from __future__ import annotations

from datetime import datetime

from adapters.faults import Faulty


class MemoryLeases(Faulty):
    """Which incident has which target of a service."""

    def __init__(self) -> None:
        super().__init__("leases memory")
        self.held: dict[tuple[str, str], str] = {}
        """The incident, by target and service."""

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
        return holder

    async def leave(self, *, incident: str) -> None:
        """Give back everything that an incident has leased."""
        await self.enter()
        self.held = {place: holder for place, holder in self.held.items() if holder != incident}
