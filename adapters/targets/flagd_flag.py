"""One flag of a flagd file: how its traffic is split, and the ledger that Backout keeps in its metadata."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictInt, TypeAdapter, ValidationError

from adapters.targets.ledger import read_ledger
from backout.errors import RejectedBySystem, UnknownName

METADATA_KEY = "backout"
"""The one entry of the flag's metadata that is Backout's: flagd wants plain values there, so it is a text."""
_WEIGHTS: TypeAdapter[list[tuple[str] | tuple[str, StrictInt]]] = TypeAdapter(
    list[tuple[str] | tuple[str, StrictInt]]
)


class _Shape(BaseModel):
    """What of flagd's schema Backout reads; the rest passes through untouched."""

    model_config = ConfigDict(extra="allow")

    state: Literal["ENABLED", "DISABLED"]
    variants: dict[str, JsonValue]
    default: str | None = Field(default=None, alias="defaultVariant")
    targeting: dict[str, JsonValue] | None = None
    metadata: dict[str, str | int | float | bool] = {}


class Split(NamedTuple):
    """The `fractional` rule: users are hashed into consecutive ranges, one per variant."""

    bucket_by: list[JsonValue]
    """The expression that is hashed; empty where the rule leaves it to flagd."""
    weights: dict[str, int]

    def share(self, variant: str) -> int:
        """Return the variant's percent, rounded up: only nobody is 0."""
        return -(-100 * self.weights.get(variant, 0) // sum(self.weights.values()))

    def with_share(self, variant: str, percent: int, baseline: str) -> Split | None:
        """Return the split with that share of the variant; None where the others leave too little.

        The baseline takes what is left, every other variant keeps its own. Ranges keep their order, and the
        candidate's touches one end, so the users at 10 % are among those at 50 %.
        """
        others = {name: weight for name, weight in self.weights.items() if name not in (variant, baseline)}
        whole = sum(self.weights.values()) if any(others.values()) else 100
        rest = 100 - percent - sum(others.values())
        if rest < 0 or whole != 100:  # noqa: PLR2004  # percent
            return None
        given = {**others, variant: percent, baseline: rest}
        first = [] if variant in self.weights else [variant]
        return Split(self.bucket_by, {name: given[name] for name in [*first, *self.weights, baseline]})

    def as_targeting(self) -> JsonValue:
        """Return the rule as flagd reads it."""
        ranges: list[JsonValue] = [[name, weight] for name, weight in self.weights.items()]
        return {"fractional": [*self.bucket_by, *ranges]}


class FlagdFlag:
    """A flag's JSON, read with care and changed in place."""

    def __init__(self, what: str, raw: JsonValue, *, by: str) -> None:
        """Read the flag; `by` is the property to hash users by where the flag has no rule yet.

        Raises:
            RejectedBySystem: it is not what flagd's schema asks for, or Backout cannot tell its exposure.
        """
        self._what = what
        try:
            shape = _Shape.model_validate(raw)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise self._refused(why=f"{place or 'the flag'}: {first['msg']}") from error
        if not isinstance(raw, dict) or shape.state == "DISABLED":
            raise self._refused(why="it is DISABLED, so every client uses a default of its own; enable it")
        self._raw = raw
        # Salted with the flag's key, so that the same users are not the first in every flag.
        self._bucket_by: list[JsonValue] = [{"cat": [{"var": "$flagd.flagKey"}, {"var": by}]}]
        self._shape = shape
        self._split = self._read_split()
        text = str(shape.metadata.get(METADATA_KEY, ""))
        self._ledger = read_ledger(text, what=what, place=f"metadata '{METADATA_KEY}'")

    @property
    def generation(self) -> str:
        """Return the number of Backout's last change, and a digest that changes with everybody's."""
        digest = sha256(json.dumps(self._raw, sort_keys=True).encode()).hexdigest()[:12]
        return f"{self._ledger.generation}-{digest}"

    @property
    def changed_by(self) -> str:
        """Return the key of Backout's last change."""
        return self._ledger.last

    def exposure(self, release: str) -> int:
        """Return the percent of users who get the release. `UnknownName`: it is no variant of the flag."""
        self._must_know(release)
        return self._split.share(release)

    def done(self, key: str, percent: int) -> bool:
        """Say whether the key has had its effect.

        Raises:
            RejectedBySystem: it had another effect than this.
        """
        return self._ledger.knows(key, percent, what=self._what)

    def expose(self, release: str, percent: int, *, baseline: str, key: str) -> None:
        """Give the release that percent of the users and the baseline the rest, and remember the key.

        Raises:
            UnknownName: the release or the baseline is no variant of the flag.
            RejectedBySystem: the release is the baseline, or other variants leave too little room.
        """
        self._must_know(release)
        self._must_know(baseline)
        if release == baseline:
            raise self._refused(
                why=f"'{release}' is the baseline; the exposure of a candidate can be set, not its own"
            )
        split = self._split.with_share(release, percent, baseline)
        if split is None:
            raise self._refused(
                why=f"other variants take too much of {self._split.weights} to give {percent} %"
            )
        self._raw["targeting"] = split.as_targeting()
        # Users whom the rule cannot place get the default.
        self._raw["defaultVariant"] = baseline
        ledger = self._ledger.with_key(key, percent).model_dump_json()
        self._raw["metadata"] = {**self._shape.metadata, METADATA_KEY: ledger}

    def _must_know(self, variant: str) -> None:
        if variant not in self._shape.variants:
            raise UnknownName(kind=f"variant in {self._what}", name=variant, known=self._shape.variants)

    def _read_split(self) -> Split:
        if not self._shape.targeting:
            return self._default_split(self._bucket_by)
        rule = self._shape.targeting.get("fractional")
        if not isinstance(rule, list) or len(self._shape.targeting) > 1:
            raise self._refused(
                why="its targeting is more than one 'fractional' rule, so its exposure is unknown"
            )
        bucket_by = rule[:1] if rule and not isinstance(rule[0], list) else []
        try:
            entries = _WEIGHTS.validate_python(rule[len(bucket_by) :])
        except ValidationError as error:
            raise self._refused(why="its 'fractional' rule must be [variant, whole weight] pairs") from error
        # flagd takes a missing weight for 1 and a negative one for 0.
        weights = {entry[0]: max(0, entry[1] if len(entry) > 1 else 1) for entry in entries}
        if not any(weights.values()):
            return self._default_split(bucket_by or self._bucket_by)
        return Split(bucket_by, weights)

    def _default_split(self, bucket_by: list[JsonValue]) -> Split:
        if self._shape.default is None:
            raise self._refused(why="it has no defaultVariant, so every client uses a default of its own")
        return Split(bucket_by, {self._shape.default: 100})

    def _refused(self, *, why: str) -> RejectedBySystem:
        return RejectedBySystem(what=self._what, why=why)
