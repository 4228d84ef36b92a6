"""One strategy of an Unleash feature in one environment: its rollout, and the ledger among its parameters."""

from __future__ import annotations

import json
from hashlib import sha256
from math import ceil

from pydantic import BaseModel, JsonValue

from adapters.targets.ledger import read_ledger
from backout.errors import RejectedBySystem, UnknownName

PARAMETER = "backout"
"""The one parameter that is Backout's: clients do not look at it. It is written with the rollout."""
GRADUAL = "flexibleRollout"


class Variant(BaseModel):
    """A variant that a strategy gives to those whom it lets in."""

    name: str


class Strategy(BaseModel):
    """A strategy, as Unleash tells it."""

    id: str
    name: str
    title: str | None = None
    disabled: bool | None = None
    parameters: dict[str, JsonValue] = {}
    constraints: list[JsonValue] = []
    segments: list[JsonValue] = []
    variants: list[Variant] = []

    @property
    def words(self) -> str:
        """Return what people call it."""
        return f"{self.title or self.name} ({self.id})"


class Environment(BaseModel):
    """A feature in one environment; without a strategy it is on for everybody."""

    name: str
    enabled: bool
    strategies: list[Strategy] = []


class Feature(BaseModel):
    """A feature, as Unleash tells it."""

    environments: list[Environment] = []


class Rollout:
    """A gradual rollout that was read."""

    def __init__(self, what: str, environment: Environment, strategy: Strategy) -> None:
        """Read a strategy of an environment.

        Raises:
            RejectedBySystem: it is no gradual rollout, its rollout is no number, or somebody else wrote
                Backout's parameter.
        """
        self._what = what
        self._environment = environment
        self.strategy = strategy
        if strategy.name != GRADUAL:
            why = f"strategy {strategy.words} is '{strategy.name}'; only a gradual rollout ({GRADUAL})"
            raise RejectedBySystem(what=what, why=f"{why} has stages")
        text = str(strategy.parameters.get(PARAMETER, ""))
        self.ledger = read_ledger(text, what=what, place=f"parameter '{PARAMETER}' of {strategy.words}")
        self._rollout = self._read_rollout()

    @property
    def percent(self) -> int:
        """Return the percent of those whom its constraints let in, rounded up: only nobody is 0."""
        return 0 if self.off else self._rollout

    @property
    def off(self) -> str:
        """Say what is turned off, so that a rollout has no effect; empty where nothing is."""
        if not self._environment.enabled:
            return f"the feature is off in '{self._environment.name}'"
        return f"strategy {self.strategy.words} is disabled" if self.strategy.disabled else ""

    @property
    def generation(self) -> str:
        """Return the number of Backout's last change, and a digest that changes with everybody's."""
        state = [self._environment.enabled, self.strategy.model_dump(mode="json")]
        digest = sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:12]
        return f"{self.ledger.generation}-{digest}"

    @property
    def changed_by(self) -> str:
        """Return the key of Backout's last change; empty where the rollout is not what that set."""
        last = self.ledger.last
        return last if self.ledger.done.get(last) == self._rollout else ""

    def change(self, percent: int, key: str) -> list[JsonValue]:
        """Return the JSON patch that sets a rollout, where the parameters are still those that were read."""
        ledger = self.ledger.with_key(key, percent).model_dump_json()
        return [
            {"op": "test", "path": "/parameters", "value": {**self.strategy.parameters}},
            {"op": "add", "path": "/parameters/rollout", "value": str(percent)},
            {"op": "add", "path": f"/parameters/{PARAMETER}", "value": ledger},
        ]

    def _read_rollout(self) -> int:
        found = self.strategy.parameters.get("rollout")
        try:
            # Unleash keeps "150" too; its clients take it for everybody.
            return max(0, min(100, ceil(float(str(found)))))
        except (ValueError, OverflowError) as error:
            why = f"the rollout of strategy {self.strategy.words} is '{found}', not a percent"
            raise RejectedBySystem(what=self._what, why=why) from error


def chosen(strategies: list[Strategy], named: str | None, *, what: str) -> Strategy:
    """Return the strategy that the site names by its title or id, or the only one.

    Raises:
        UnknownName: there is none of that name.
        RejectedBySystem: none is named and there are several or none, or two have that title.
    """
    words = ", ".join(strategy.words for strategy in strategies)
    if named is None:
        found, why = strategies, f"it has several strategies, so name one with 'strategy': {words}"
    else:
        found = [strategy for strategy in strategies if named in (strategy.id, strategy.title)]
        why = f"several strategies are called '{named}'; name one by its id: {words}"
        if not found:
            known = [strategy.words for strategy in strategies]
            raise UnknownName(kind=f"strategy of {what}", name=named, known=known)
    if not found:
        raise RejectedBySystem(what=what, why="it has no strategy, so it is on for everybody or for nobody")
    if len(found) > 1:
        raise RejectedBySystem(what=what, why=why)
    return found[0]
