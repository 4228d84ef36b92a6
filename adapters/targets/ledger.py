"""What Backout remembers inside a target: how often it changed it, and which keys had which effect."""

from __future__ import annotations

from pydantic import ValidationError

from backout.errors import RejectedBySystem
from backout.model import Frozen

KEPT_KEYS = 32
"""How many keys the ledger remembers; a zombie attempt older than that is long dead."""


class Ledger(Frozen):
    """What Backout remembers in one place of one target."""

    generation: int = 0
    """How often Backout has changed it."""
    done: dict[str, int] = {}
    """The last keys and the percent that each has set, oldest first."""

    @property
    def last(self) -> str:
        """Return the key of Backout's last change; empty before the first."""
        return next(reversed(self.done), "")

    def knows(self, key: str, percent: int, *, what: str) -> bool:
        """Say whether the key has had its effect on `what`.

        Raises:
            RejectedBySystem: it had another effect than this.
        """
        if self.done.get(key, percent) != percent:
            why = f"key '{key}' has set {self.done[key]} % before, so it cannot set {percent} %"
            raise RejectedBySystem(what=what, why=why)
        return key in self.done

    def with_key(self, key: str, percent: int) -> Ledger:
        """Return the ledger after a change."""
        done = dict([*self.done.items(), (key, percent)][-KEPT_KEYS:])
        return Ledger(generation=self.generation + 1, done=done)


def read_ledger(text: str, *, what: str, place: str) -> Ledger:
    """Return the ledger that Backout wrote; an empty text is an empty one.

    Raises:
        RejectedBySystem: somebody else wrote into its place.
    """
    try:
        return Ledger.model_validate_json(text or "{}")
    except ValidationError as error:
        why = f"its {place} is not what Backout wrote; remove it"
        raise RejectedBySystem(what=what, why=why) from error
