"""The fake world's probes: a service that follows its target, with switches for what goes wrong in front."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.faults import Faulty
from adapters.memory import MemoryTarget
from backout.messages import Answered, Cookie
from backout.probes import Way

_PIN = "pin"


class MemoryProbe(Faulty):
    """The candidate answers while the target has any exposure; then the baseline."""

    def __init__(
        self, target: MemoryTarget, way: Way, *, candidate: str = "r2", baseline: str = "r1"
    ) -> None:
        """Stand before this target."""
        super().__init__("probe memory")
        self.asked: list[str] = []
        """The sessions that asked, in their order."""
        self.answers: str | None = None
        """What answers whatever the target says: a stuck replica, another release."""
        self.stale = ""
        """What the answers say of a cache that had kept them."""
        self.sticky = False
        """Whoever was answered once is answered by the same release for ever."""
        self.over = False
        """The service ends every conversation that is under way."""
        self._target = target
        self._way = way
        self._candidate = candidate
        self._baseline = baseline

    @property
    def way(self) -> Way:
        """What the path goes through."""
        return self._way

    async def ask(self, *, service: str, session: str, cookies: Sequence[Cookie] = ()) -> Answered:  # noqa: ARG002  # the port's shape
        """Return which release answers."""
        self.asked.append(session)
        await self.enter()
        pin = next((one.value for one in cookies if one.name == _PIN), "")
        if self.over and pin:
            return Answered(release="", ended=True)
        release = pin if self.sticky and pin else self._release()
        return Answered(release=release, stale=self.stale, cookies=(Cookie(name=_PIN, value=release),))

    def _release(self) -> str:
        if self.answers is not None:
            return self.answers
        percent = self._target.changes[-1].percent if self._target.changes else 100
        return self._candidate if percent else self._baseline
