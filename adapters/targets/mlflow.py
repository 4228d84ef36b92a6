"""An alias of a registered model or prompt in MLflow: it is at the release, or it is not."""

from __future__ import annotations

from adapters.fetch import OPEN, Access
from adapters.targets.mlflow_registry import Note, Pointer, Registry
from backout.errors import ExposureMoved, RejectedBySystem
from backout.exposure import Capability, Exposure, must_be_possible
from backout.release_sets import Conversations
from backout.targets import MlflowTarget

_EVERYBODY, _NOBODY = 100, 0


class MlflowAlias:
    """Moves an alias between the candidate's version and the baseline's.

    MLflow cannot compare and set at once, and does not say who moved an alias. So Backout notes its keys in
    a tag of the model, `backout.<alias>`, before it moves the alias, and again when it was seen there.
    """

    capability = Capability.POINTER
    """An alias is at one version."""
    conversations = MlflowTarget.sees_to
    """None: an alias knows of no conversation."""

    def __init__(self, config: MlflowTarget, access: Access = OPEN) -> None:
        """Move the alias that the site file names."""
        self._baseline = config.baseline
        self._registry = Registry(config, access)
        self._what = self._registry.what

    async def read(self, *, service: str, release: str) -> Exposure:  # noqa: ARG002  # the port's shape
        """Return 100 where the alias is at the release's version, and 0 where it is at another one.

        Raises:
            UnknownName: there is no such model or prompt, alias, or version of that release.
            RejectedBySystem: MLflow refuses, or two versions are of that release.
            Unreachable: MLflow does not answer in time.
        """
        pointer = await self._registry.pointer()
        return _exposure(pointer, (await self._registry.version(release)).version)

    async def set(
        self,
        *,
        service: str,  # noqa: ARG002  # the port's shape
        release: str,
        percent: int,
        key: str,
        expected: str = "",
        conversations: Conversations | None = None,  # noqa: ARG002  # it can do one thing, or nothing
    ) -> Exposure:
        """Take the alias to the release's version (100), or from it to the baseline's (0).

        It raises what `read` raises too.

        Raises:
            StageOutOfRange: no such percent.
            PointerOnly: a percent between.
            ExposureMoved: another generation is there than was expected.
        """
        must_be_possible(percent, of=self._what, capability=self.capability)
        found = await self._registry.pointer()
        candidate = (await self._registry.version(release)).version
        if found.note.ledger.knows(key, percent, what=self._what):
            if found.is_unfinished(key):
                await self._move(found, found.note)
        else:
            if expected and found.generation != expected:
                raise self._moved(found, expected)
            to = candidate if percent else await self._way_out(release, candidate, found)
            note = found.noted(key, percent, to=to)
            await self._registry.write(note)
            await self._move(found, note)
        return _exposure(await self._registry.pointer(), candidate)

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        await self._registry.aclose()

    async def _way_out(self, release: str, candidate: str, found: Pointer) -> str:
        """Return where the alias goes so that nobody is on the candidate."""
        if found.version != candidate:
            return found.version  # somebody's third version, perhaps: it is not ours to move
        if release == self._baseline:
            why = f"'{release}' is the baseline, so there is nothing to go back to"
            raise RejectedBySystem(what=self._what, why=why)
        baseline = await self._registry.version(self._baseline)
        if baseline.status != "READY":
            why = f"version {baseline.version} of the baseline '{self._baseline}' is {baseline.status}"
            raise RejectedBySystem(what=self._what, why=why)
        return baseline.version

    async def _move(self, found: Pointer, note: Note) -> None:
        """Take the alias where the note says, look, and note that it is there."""
        if found.version != note.moved_to:
            await self._registry.point(note.moved_to)
        if (await self._registry.pointer()).version == note.moved_to:
            await self._registry.write(note.model_copy(update={"settled": True}))

    def _moved(self, found: Pointer, expected: str) -> ExposureMoved:
        by = found.changed_by
        return ExposureMoved(target=self._what, expected=expected, found=found.generation, by=by)


def _exposure(pointer: Pointer, candidate: str) -> Exposure:
    percent = _EVERYBODY if pointer.version == candidate else _NOBODY
    return Exposure(percent=percent, generation=pointer.generation, changed_by=pointer.changed_by)
