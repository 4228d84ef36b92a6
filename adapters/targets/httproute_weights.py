"""An HTTPRoute of the Kubernetes Gateway API: the weights of two backends in its rules."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from adapters.targets.ledger import Ledger, read_ledger
from backout.errors import RejectedBySystem, UnknownName

ANNOTATION = "backout-ledger"
"""The one annotation that is Backout's; it is written with the weights at once."""


class _Untouched(BaseModel):
    """What is not named here passes through as it is."""

    model_config = ConfigDict(extra="allow")


class _Backend(_Untouched):
    name: str
    weight: int = 1
    """Kubernetes takes a missing weight for 1."""


class _Rule(_Untouched):
    backends: list[_Backend] = Field(default=[], alias="backendRefs")


class _Manager(BaseModel):
    manager: str = ""
    time: str = ""
    """In UTC to the second, so its text sorts as time does."""
    subresource: str = ""


class _Metadata(BaseModel):
    name: str
    uid: str = ""
    resource_version: str = Field(default="", alias="resourceVersion")
    generation: int = 0
    annotations: dict[str, str] = {}
    managers: list[_Manager] = Field(default=[], alias="managedFields")


class _Spec(BaseModel):
    rules: list[_Rule] = []


class Route(BaseModel):
    """An HTTPRoute, as the API server tells it."""

    metadata: _Metadata
    spec: _Spec = _Spec()

    @property
    def generation(self) -> str:
        """Return what changes with the specification; controllers write the status all the time."""
        return f"{self.metadata.uid[:8]}-{self.metadata.generation}"

    @property
    def by(self) -> str:
        """Return the program that changed it last, as it called itself to the API server."""
        known = [one for one in self.metadata.managers if one.time and not one.subresource]
        return max(known, key=lambda one: one.time, default=_Manager()).manager


class RouteList(BaseModel):
    """The HTTPRoutes of a namespace."""

    items: list[Route] = []


class Pair(NamedTuple):
    """The two backends between which traffic is split."""

    candidate: str
    baseline: str


class Weights:
    """The weights of a pair of backends, in every rule that has the candidate."""

    def __init__(self, what: str, route: Route, pair: Pair) -> None:
        """Read the rules.

        Raises:
            UnknownName: no rule has such a backend.
            RejectedBySystem: a rule has the candidate and not the baseline, or one of them twice.
        """
        self._what = what
        self.route = route
        self._pair = pair
        self._rules = [
            rule for rule in route.spec.rules if pair.candidate in {backend.name for backend in rule.backends}
        ]
        known = {backend.name for rule in route.spec.rules for backend in rule.backends}
        for name in pair:
            if name not in known:
                raise UnknownName(kind=f"backend of {what}", name=name, known=known)
        for rule in self._rules:
            names = sorted(backend.name for backend in rule.backends if backend.name in pair)
            if names != sorted(set(pair)):
                msg = (
                    f"a rule has the backends {', '.join(names)}; it must have {' and '.join(pair)} once each"
                )
                raise self._refused(why=msg)
        text = route.metadata.annotations.get(ANNOTATION, "")
        self.ledger: Ledger = read_ledger(text, what=what, place=f"annotation '{ANNOTATION}'")

    @property
    def percent(self) -> int:
        """Return the candidate's share in the rule where it is largest, rounded up: only nobody is 0."""
        return max(self._share(rule) for rule in self._rules)

    @property
    def changed_by(self) -> str:
        """Return the key of Backout's last change; empty where the weights are not what that set."""
        last = self.ledger.last
        return last if self.ledger.done.get(last) == self.percent else ""

    def change(self, percent: int, key: str) -> dict[str, JsonValue]:
        """Return the merge patch that splits the traffic, where the route is still the one that was read.

        Raises:
            RejectedBySystem: the release is the baseline, or a third backend takes traffic beside the pair.
        """
        if self._pair.candidate == self._pair.baseline:
            name = self._pair.baseline
            why = f"'{name}' is the baseline; the exposure of a candidate can be set, not its own"
            raise self._refused(why=why)
        others = {
            backend.name
            for rule in self._rules
            for backend in rule.backends
            if backend.name not in self._pair and backend.weight
        }
        if others:
            names = ", ".join(sorted(others))
            raise self._refused(
                why=f"other backends take traffic beside the pair: {names}; give them weight 0"
            )
        given = {self._pair.candidate: percent, self._pair.baseline: 100 - percent}
        for rule in self._rules:
            for backend in rule.backends:
                backend.weight = given.get(backend.name, backend.weight)
        rules: list[JsonValue] = [
            rule.model_dump(mode="json", by_alias=True, exclude_unset=True) for rule in self.route.spec.rules
        ]
        ledger = self.ledger.with_key(key, percent).model_dump_json()
        version = self.route.metadata.resource_version
        return {
            "metadata": {"resourceVersion": version, "annotations": {ANNOTATION: ledger}},
            "spec": {"rules": rules},
        }

    def _share(self, rule: _Rule) -> int:
        whole = sum(backend.weight for backend in rule.backends)
        mine = sum(backend.weight for backend in rule.backends if backend.name == self._pair.candidate)
        return -(-100 * mine // whole) if whole else 0

    def _refused(self, *, why: str) -> RejectedBySystem:
        return RejectedBySystem(what=self._what, why=why)
