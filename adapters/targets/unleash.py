"""A gradual rollout of a feature in Unleash: exposure is the rollout of its strategy in one environment."""

from __future__ import annotations

from http import HTTPStatus
from string import Template
from urllib.parse import quote

from pydantic import BaseModel

from adapters.fetch import OPEN, Access
from adapters.targets.api import JsonApi
from adapters.targets.unleash_strategy import Environment, Feature, Rollout, Strategy, chosen
from backout.errors import ExposureMoved, RejectedBySystem, UnknownName, Unreachable
from backout.exposure import Capability, Exposure, must_be_possible
from backout.release_sets import Conversations
from backout.targets import UnleashTarget

_TRIES = 3
"""How often a change without an expected generation begins anew, because somebody else was faster."""
_TEST_FAILED = "Test operation failed"


class _Named(BaseModel):
    name: str


class _Project(BaseModel):
    id: str


class _Features(BaseModel):
    features: list[_Named]


class _Projects(BaseModel):
    projects: list[_Project]


class _Event(BaseModel):
    createdBy: str | None = None  # noqa: N815  # Unleash's name


class _Events(BaseModel):
    events: list[_Event]


class UnleashRollout:
    """Sets the rollout by a JSON patch, which Unleash makes only where the parameters are as they were read.

    The keys are kept in a parameter of the strategy, so they change with the rollout at once. Unleash does
    not lock the strategy while it compares: of two patches at the very same moment both may pass.
    """

    capability = Capability.PERCENTAGE
    """A rollout is any percent."""
    conversations = UnleashTarget.sees_to
    """Whoever is bucketed away goes on at the baseline, with the next evaluation."""

    def __init__(self, config: UnleashTarget, access: Access = OPEN) -> None:
        """Change the strategy that the site file names."""
        self._config = config
        self._feature = Template(config.feature)
        self._api = JsonApi(f"Unleash {config.url}", config.url, timeout=config.timeout, access=access)

    async def read(self, *, service: str, release: str) -> Exposure:  # noqa: ARG002  # the port's shape
        """Return the rollout; 0 where the feature or the strategy is turned off.

        Raises:
            UnknownName: there is no such project, feature, environment, strategy or variant.
            RejectedBySystem: Unleash refuses, or it cannot be told which strategy holds exposure.
            Unreachable: Unleash does not answer in time.
        """
        return await self._exposure(await self._look(release), release)

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
        """Set the rollout; it raises what `read` raises too.

        Raises:
            StageOutOfRange: no such percent; Unleash itself would take it.
            ExposureMoved: another generation is there than was expected.
        """
        must_be_possible(percent, of=self._what(release), capability=self.capability)
        for _ in range(_TRIES):
            found = await self._look(release)
            if found.ledger.knows(key, percent, what=self._what(release)):
                return await self._exposure(found, release)
            if expected and found.generation != expected:
                by, what = await self._last_by(release), self._what(release)
                raise ExposureMoved(target=what, expected=expected, found=found.generation, by=by)
            if percent and found.off:
                why = f"{found.off}, so {percent} % would reach nobody; turn it on first"
                raise RejectedBySystem(what=self._what(release), why=why)
            if await self._change(found, release, percent, key):
                return await self._exposure(await self._look(release), release)
        why = f"it was changed by others {_TRIES} times in a row while it was to be set"
        raise Unreachable(what=self._what(release), why=why)

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        await self._api.aclose()

    async def _exposure(self, found: Rollout, release: str) -> Exposure:
        return Exposure(
            percent=found.percent,
            generation=found.generation,
            changed_by=found.changed_by,
            by=await self._last_by(release),
        )

    async def _look(self, release: str) -> Rollout:
        what = self._what(release)
        environment = await self._environment(release)
        strategy = chosen(environment.strategies, self._config.strategy, what=what)
        # Without the release in its name, a feature says by a variant which release it is about.
        variants = [variant.name for variant in strategy.variants]
        if not self._names_release() and variants != [release]:
            kind = f"variant of strategy {strategy.words} of {what}, which must be its only one,"
            raise UnknownName(kind=kind, name=release, known=variants)
        return Rollout(what, environment, strategy)

    async def _environment(self, release: str) -> Environment:
        try:
            feature = await self._api.ask("GET", self._path(release), Feature)
        except RejectedBySystem as error:
            if error.details.get("status") == HTTPStatus.NOT_FOUND and error.details.get("said"):
                raise await self._absent(release) from error
            raise
        for environment in feature.environments:
            if environment.name == self._config.environment:
                return environment
        known = [environment.name for environment in feature.environments]
        kind = f"environment of feature '{self._name(release)}' in Unleash {self._config.url}"
        raise UnknownName(kind=kind, name=self._config.environment, known=known)

    async def _absent(self, release: str) -> UnknownName:
        where, projects = f"Unleash {self._config.url}", "/api/admin/projects"
        known = [found.id for found in (await self._api.ask("GET", projects, _Projects)).projects]
        if self._config.project not in known:
            return UnknownName(kind=f"project in {where}", name=self._config.project, known=known)
        kind = f"feature of project '{self._config.project}' in {where}"
        listed = await self._api.ask(
            "GET", f"{projects}/{quote(self._config.project, safe='')}/features", _Features
        )
        return UnknownName(kind=kind, name=self._name(release), known=[one.name for one in listed.features])

    async def _change(self, found: Rollout, release: str, percent: int, key: str) -> bool:
        """Set the rollout; False where somebody else was faster."""
        environment = quote(self._config.environment, safe="")
        path = f"{self._path(release)}/environments/{environment}/strategies/{found.strategy.id}"
        try:
            await self._api.ask("PATCH", path, Strategy, body=found.change(percent, key))
        except (Unreachable, RejectedBySystem) as error:
            # It answers 500 there.
            if not str(error.details.get("said", "")).startswith(_TEST_FAILED):
                raise
            return False
        return True

    async def _last_by(self, release: str) -> str:
        """Return who changed the feature last in this environment; a token may not be allowed to know."""
        fields = {
            "feature": f"IS:{self._name(release)}",
            "environment": f"IS:{self._config.environment}",
            "limit": "1",
        }
        try:
            answer = await self._api.ask("GET", "/api/admin/search/events", _Events, fields=fields)
        except RejectedBySystem:
            return ""
        return (answer.events[0].createdBy or "") if answer.events else ""

    def _names_release(self) -> bool:
        return "release" in self._feature.get_identifiers()

    def _name(self, release: str) -> str:
        return self._feature.substitute(release=release)

    def _what(self, release: str) -> str:
        return (
            f"feature '{self._name(release)}' in '{self._config.environment}' of Unleash {self._config.url}"
        )

    def _path(self, release: str) -> str:
        project, feature = quote(self._config.project, safe=""), quote(self._name(release), safe="")
        return f"/api/admin/projects/{project}/features/{feature}"
