"""Events about what must not be released again."""

from __future__ import annotations

from typing import Literal

from backout.event import BaseEvent
from backout.quarantining import standing
from backout.releases import Quarantine, described


class ReleaseQuarantined(BaseEvent):
    """A release that was reverted completely was quarantined."""

    event: Literal["ReleaseQuarantined"] = "ReleaseQuarantined"
    release: str
    artifacts: tuple[str, ...]
    """Its own parts, each with its digest; none where nobody registered it."""
    spared: tuple[str, ...] = ()
    """Parts that the last known good release has too."""
    good: tuple[str, ...] = ()
    unregistered: tuple[str, ...] = ()
    """Last known good releases of which nobody knows what they are made of."""

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        said = [f"Release {self.release} quarantined: {self._what}"]
        if self.spared:
            said.append(f"left free, as {' and '.join(self.good)} has it too: {', '.join(self.spared)}")
        if self.unregistered and self.artifacts:
            names = " and ".join(self.unregistered)
            said.append(f"{names} is not registered, so what it shares is quarantined too")
        return "; ".join(said)

    @property
    def _what(self) -> str:
        if self.artifacts:
            return f"{', '.join(self.artifacts)} must not be released again under any name"
        if self.spared:
            return "by its name alone, as it has no part of its own"
        return "by its name alone, as it is not registered: a copy under another name is not recognised"


class QuarantineFound(BaseEvent):
    """A release that was reverted completely was quarantined before, and nothing was added to that."""

    event: Literal["QuarantineFound"] = "QuarantineFound"
    release: str
    before: Quarantine

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        what = ", ".join(map(described, self.before.artifacts)) or "its name alone"
        return f"Release {self.release} was quarantined already, {standing(self.before)}: {what}"


class QuarantineFailed(BaseEvent):
    """A release that was reverted completely could not be quarantined."""

    event: Literal["QuarantineFailed"] = "QuarantineFailed"
    release: str
    place: str
    """The release with its service, as commands take it."""
    why: str

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        return (
            f"Release {self.release} is NOT quarantined: {self.why.removesuffix('.')}. Once this incident is "
            "over nothing refuses it, or a copy of it: quarantine it by hand with "
            f"'backout release quarantine {self.place} --why ...'"
        )
