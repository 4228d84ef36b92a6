"""A small API server on loopback that keeps Kubernetes' documented rules for HTTPRoutes.

No real one runs without a cluster. The rules: a merge patch (RFC 7386) that names a resourceVersion is
refused with 409 where it is another one now; every write is a new resourceVersion; metadata.generation counts
changes of the specification only; managedFields says which program wrote when; refusals are Status objects.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeAlias

from aiohttp import web
from aiohttp.test_utils import TestServer

EDITOR, VIEWER = "editor-token", "viewer-token"
"""Tokens of two service accounts; the second one may only read."""
ROUTES = "/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/httproutes"
_KIND = "httproutes.gateway.networking.k8s.io"
Json: TypeAlias = dict[str, Any]


@dataclass
class Cluster:
    """HTTPRoutes of namespace `prod`."""

    routes: dict[str, Json] = field(default_factory=dict)
    port: int = 0
    between: Callable[[], object] | None = None
    """Called right before each patch is looked at: what somebody else does meanwhile."""
    _versions: count[int] = field(default_factory=lambda: count(1000))

    def create(self, name: str, *rules: Json) -> None:
        """Make a route."""
        self.routes[name] = {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {
                "name": name,
                "namespace": "prod",
                "uid": f"5a1c6f0{len(self.routes)}-4b1e",
                "generation": 0,
            },
            "spec": {},
        }
        self.write(
            name, {"spec": {"parentRefs": [{"name": "gateway"}], "rules": [*rules]}}, by="kubectl-create"
        )

    def write(self, name: str, patch: Json, *, by: str) -> None:
        """Merge a patch into a route."""
        before = self.routes[name]
        after = _merged(before, {**patch, "metadata": {**patch.get("metadata", {}), "resourceVersion": None}})
        number = next(self._versions)
        entry = {
            "manager": by,
            "operation": "Update",
            "time": f"2026-01-05T09:{number // 60 % 60:02}:{number % 60:02}Z",
        }
        if "status" in patch:
            entry["subresource"] = "status"
        managers = [one for one in before["metadata"].get("managedFields", []) if one["manager"] != by]
        after["metadata"] |= {"resourceVersion": str(number), "managedFields": [*managers, entry]}
        after["metadata"]["generation"] += before["spec"] != after["spec"]
        self.routes[name] = after

    def weigh(self, name: str, weights: Mapping[str, int], *, by: str = "kubectl-edit") -> None:
        """Set weights of backends in every rule, as a person does."""
        rules = [
            {
                **rule,
                "backendRefs": [
                    ref | {"weight": weights.get(ref["name"], ref["weight"])} for ref in rule["backendRefs"]
                ],
            }
            for rule in self.routes[name]["spec"]["rules"]
        ]
        self.write(name, {"spec": {"rules": rules}}, by=by)

    async def answer(self, request: web.Request) -> web.Response:
        """Answer GET and PATCH."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in {EDITOR, VIEWER}:
            return _status(401, "Unauthorized", "Unauthorized")
        name = request.match_info.get("name")
        if name is None:
            return web.json_response({"kind": "HTTPRouteList", "items": [*self.routes.values()]})
        if name not in self.routes or request.match_info["namespace"] != "prod":
            return _status(404, "NotFound", f'{_KIND} "{name}" not found')
        if request.method == "PATCH":
            return await self._patch(request, name, may=token == EDITOR)
        return web.json_response(self.routes[name])

    async def _patch(self, request: web.Request, name: str, *, may: bool) -> web.Response:
        if not may:
            user = 'User "system:serviceaccount:prod:viewer" cannot patch resource "httproutes"'
            return _status(403, "Forbidden", f'{_KIND} "{name}" is forbidden: {user}')
        if request.content_type != "application/merge-patch+json":
            return _status(415, "UnsupportedMediaType", "the body of the request was in an unknown format")
        if self.between:
            self.between()
        patch = await request.json()
        wanted = patch.get("metadata", {}).get("resourceVersion", "")
        if wanted and wanted != self.routes[name]["metadata"]["resourceVersion"]:
            why = (
                "the object has been modified; please apply your changes to the latest version and try again"
            )
            return _status(409, "Conflict", f'Operation cannot be fulfilled on {_KIND} "{name}": {why}')
        self.write(name, patch, by=request.query.get("fieldManager", "unknown"))
        return web.json_response(self.routes[name])


def _status(code: int, reason: str, message: str) -> web.Response:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason}
    return web.json_response({**body, "code": code}, status=code)


def _merged(target: Any, patch: Any) -> Any:  # noqa: ANN401  # any JSON
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = _merged(found.get(name), value)
    return found


@asynccontextmanager
async def kubernetes() -> AsyncIterator[Cluster]:
    """Serve an empty namespace."""
    cluster, app = Cluster(), web.Application()
    for path in (ROUTES, f"{ROUTES}/{{name}}"):
        app.router.add_route("*", path, cluster.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        assert server.port
        cluster.port = server.port
        yield cluster
