"""An HTTPRoute of the Kubernetes Gateway API (experimental): exposure is the candidate's share of weights."""

from __future__ import annotations

from http import HTTPStatus
from string import Template
from urllib.parse import quote

from adapters.fetch import OPEN, Access
from adapters.targets.api import JsonApi
from adapters.targets.httproute_weights import Pair, Route, RouteList, Weights
from backout.errors import ExposureMoved, RejectedBySystem, UnknownName, Unreachable
from backout.exposure import Capability, Exposure, must_be_possible
from backout.release_sets import Conversations
from backout.targets import HttpRouteTarget

_TRIES = 5
"""How often a change begins anew, because something else of the route was changed meanwhile."""
_MERGE = "application/merge-patch+json"
_MANAGER = {"fieldManager": "backout"}


class HttpRouteWeights:
    """Changes both weights with one patch, which the API server makes only on the version that was read."""

    capability = Capability.PERCENTAGE
    """Weights are any percent."""
    conversations = HttpRouteTarget.sees_to
    """None: what becomes of sessions at weight 0 is up to the gateway."""

    def __init__(self, config: HttpRouteTarget, access: Access = OPEN) -> None:
        """Change the route that the site file names."""
        self._config = config
        self._candidate = Template(config.candidate)
        self._what = f"HTTPRoute {config.namespace}/{config.route} at {config.url}"
        namespace, route = quote(config.namespace, safe=""), quote(config.route, safe="")
        self._routes = f"/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/httproutes"
        self._path = f"{self._routes}/{route}"
        self._api = JsonApi(self._what, config.url, timeout=config.timeout, access=access)

    async def read(self, *, service: str, release: str) -> Exposure:  # noqa: ARG002  # the port's shape
        """Return the candidate's share.

        Raises:
            UnknownName: there is no such route, or no such backend in it.
            RejectedBySystem: the API server refuses, or the rules have not both backends.
            Unreachable: the API server does not answer in time.
        """
        return _exposure(await self._look(release))

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
        """Set both weights, which add up to 100; it raises what `read` raises too.

        Raises:
            StageOutOfRange: no such percent.
            ExposureMoved: another generation is there than was expected.
        """
        must_be_possible(percent, of=self._what, capability=self.capability)
        for _ in range(_TRIES):
            found = await self._look(release)
            if found.ledger.knows(key, percent, what=self._what):
                return _exposure(found)
            route = found.route
            if expected and route.generation != expected:
                found_at, by = route.generation, route.by
                raise ExposureMoved(target=self._what, expected=expected, found=found_at, by=by)
            if await self._change(found, percent, key):
                return _exposure(await self._look(release))
        why = f"it was changed by others {_TRIES} times in a row while it was to be set"
        raise Unreachable(what=self._what, why=why)

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        await self._api.aclose()

    async def _look(self, release: str) -> Weights:
        pair = Pair(self._candidate.substitute(release=release), self._config.baseline)
        try:
            route = await self._api.ask("GET", self._path, Route)
        except RejectedBySystem as error:
            if error.details.get("status") == HTTPStatus.NOT_FOUND and error.details.get("said"):
                known = (await self._api.ask("GET", self._routes, RouteList)).items
                kind = f"HTTPRoute of namespace '{self._config.namespace}' at {self._config.url}"
                names = [one.metadata.name for one in known]
                raise UnknownName(kind=kind, name=self._config.route, known=names) from error
            raise
        return Weights(self._what, route, pair)

    async def _change(self, found: Weights, percent: int, key: str) -> bool:
        """Set the weights; False where somebody, perhaps only a controller with its status, was faster."""
        body = found.change(percent, key)
        try:
            await self._api.ask("PATCH", self._path, Route, body=body, fields=_MANAGER, media_type=_MERGE)
        except RejectedBySystem as error:
            if error.details.get("status") != HTTPStatus.CONFLICT:
                raise
            return False
        return True


def _exposure(found: Weights) -> Exposure:
    route = found.route
    return Exposure(
        percent=found.percent, generation=route.generation, changed_by=found.changed_by, by=route.by
    )
