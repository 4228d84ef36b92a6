"""Lease targets to incidents, and give them back."""

from __future__ import annotations

from temporalio import activity

from activities.failures import told_to_temporal
from backout.leasing import Leased, LeaveLeases, TakeLeases
from backout.ports import Leases


class LeaseActivities:
    """The leases of the site's targets."""

    def __init__(self, *, leases: Leases) -> None:
        """Keep leases there."""
        self._leases = leases

    @activity.defn
    async def take_leases(self, request: TakeLeases) -> Leased:
        """Lease the targets in their order, up to the first that another incident has."""
        theirs, over = _theirs_before(), list[str]()
        with told_to_temporal():
            for target in request.targets:
                holder = await self._take(target, request)
                # Asked without it first: so it is known which ones the other one really had.
                if request.instead_of and holder == request.instead_of:
                    theirs = (*theirs, target)
                    activity.heartbeat(Leased(taken_over=theirs))
                    holder = await self._take(target, request, instead_of=holder)
                if holder != request.incident:
                    return Leased(target=target, holder=holder, taken_over=tuple(over))
                over += [target] if target in theirs else []
        return Leased(taken_over=tuple(over))

    @activity.defn
    async def leave_leases(self, request: LeaveLeases) -> None:
        """Give back everything that an incident has leased."""
        with told_to_temporal():
            await self._leases.leave(incident=request.incident)

    async def _take(self, target: str, request: TakeLeases, *, instead_of: str = "") -> str:
        return await self._leases.take(
            target=target,
            service=request.service,
            incident=request.incident,
            at=request.at,
            instead_of=instead_of,
        )


def _theirs_before() -> tuple[str, ...]:
    """Return what an earlier attempt found with the other one: its take-over may have lost its answer."""
    details = activity.info().heartbeat_details
    return Leased.model_validate(details[0]).taken_over if details else ()
