"""Set and read the exposure of a release."""

from __future__ import annotations

from collections.abc import Mapping

from temporalio import activity

from activities.failures import told_to_temporal
from backout.errors import ExposureMoved, FlipImpossible, FlipUnnamed, ReadBackMismatch, UnknownName
from backout.exposure import Capability, Exposure, ExposureChange, ReadExposure, SetExposure
from backout.ports import Target
from backout.release_sets import Conversations


class ExposureActivities:
    """The targets of the site."""

    def __init__(self, *, targets: Mapping[str, Target]) -> None:
        """Serve these targets, by name."""
        self._targets = targets

    @activity.defn
    async def set_exposure(self, request: SetExposure) -> ExposureChange:
        """Bring the exposure to a stage and read it back: it never goes against the direction of the walk.

        It is only changed while it is what the stage before left, or else what the first attempt has read.
        """
        with told_to_temporal():
            target = self._target(request)
            where = {"service": request.service, "release": request.release}
            found = await target.read(**where)
            before = _seen_before() or _done_before(request, found) or found
            expected = request.expected or before
            conversations = _seen_to(request, target)
            # Sessions are seen to although the exposure is there: an attempt may have ended between the two.
            is_there = found.percent == request.percent
            if is_there and conversations is None:
                return _change(before, found)  # also where an earlier attempt's write lost its answer
            if _is_beyond(request, found):
                if request.expected and found.generation != expected.generation:
                    raise _moved(request, expected, found)
                return _change(found, found)
            activity.heartbeat(before)
            try:
                now = await target.set(
                    **where,
                    percent=request.percent,
                    key=request.key,
                    expected=found.generation if is_there else expected.generation,
                    conversations=conversations,
                )
            except ExposureMoved:
                # People are told the bottom of a chain of errors, and this one says more than the target's.
                raise _moved(request, expected, await target.read(**where)) from None
            if now.percent != request.percent:
                raise ReadBackMismatch(target=request.target, wanted=request.percent, found=now.percent)
            return _change(before, now)

    @activity.defn
    async def read_exposure(self, request: ReadExposure) -> Exposure:
        """Read the exposure."""
        with told_to_temporal():
            return await self._target(request).read(service=request.service, release=request.release)

    def _target(self, request: SetExposure | ReadExposure) -> Target:
        name = request.target
        if name not in self._targets:
            raise UnknownName(kind="target", name=name, known=self._targets)
        target = self._targets[name]
        is_pointer = target.capability is Capability.POINTER
        if request.flips is not None and request.flips != is_pointer:
            raise FlipUnnamed(target=name) if is_pointer else FlipImpossible(target=name)
        return target


def _seen_before() -> Exposure | None:
    """Return what an earlier attempt read before it wrote: its write may have taken effect."""
    details = activity.info().heartbeat_details
    return Exposure.model_validate(details[0]) if details else None


def _done_before(request: SetExposure, found: Exposure) -> Exposure | None:
    """Return what was there before, where an earlier request of this key did it and lost its answer."""
    return request.expected if found.changed_by == request.key else None


def _seen_to(request: SetExposure, target: Target) -> Conversations | None:
    """Return what the target is to make of conversations; of a set, only some targets know any."""
    return request.conversations if request.conversations in target.conversations else None


def _is_beyond(request: SetExposure, found: Exposure) -> bool:
    """Say whether the exposure is further than was asked, in the direction of the walk."""
    if request.direction == "down":
        return found.percent < request.percent
    return found.percent > request.percent


def _change(before: Exposure, after: Exposure) -> ExposureChange:
    return ExposureChange(
        before=before.percent, after=after.percent, generation=after.generation, changed=after != before
    )


def _moved(request: SetExposure, before: Exposure, found: Exposure) -> ExposureMoved:
    """Say what it was, what it is, and who moved it, as far as the target knows."""
    # The last key that a target keeps is often our own: who edits by hand leaves none.
    ours = found.changed_by.startswith(request.key.partition("@")[0] + "@")
    by = found.by or ("" if ours else found.changed_by)
    return ExposureMoved(
        target=request.target,
        expected=_told(before, beside=found),
        found=_told(found, beside=before),
        by=by,
    )


def _told(exposure: Exposure, *, beside: Exposure) -> str:
    """Write an exposure; where the other one has the same percent, what tells them apart is beside it."""
    generation = f" (generation {exposure.generation})" if exposure.percent == beside.percent else ""
    return f"{exposure.percent} %{generation}"
