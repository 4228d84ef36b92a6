"""The targets of the site file: the systems that hold exposure, and how each is reached."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from backout.exposure import Capability
from backout.model import Duration, Frozen
from backout.release_sets import Conversations
from backout.secret import BasicAuth, SecretRef

_HAPROXY_NAME = r"^[A-Za-z0-9_.:-]+$"

_KUBERNETES_NAME = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
MlflowName = Annotated[str, Field(min_length=1, pattern=r"""^[^/:'"]+$""")]
"""A registered model's or prompt's name; MLflow takes no slash and no colon, and its search no quotes."""


class FlagdFileTarget(Frozen):
    """An OpenFeature flag in a flagd file, with fractional targeting."""

    sees_to: ClassVar[frozenset[Conversations]] = frozenset({Conversations.MIGRATE})
    kind: Literal["flagd-file"]
    path: str
    flag: str
    """The flag's key in the file."""
    baseline: str
    """The variant that is the last known good release."""
    by: str = "targetingKey"
    """The property of the evaluation context that users are bucketed by."""


class HaproxyTarget(Frozen):
    """Two servers in a backend of HAProxy, changed through its runtime API."""

    sees_to: ClassVar[frozenset[Conversations]] = frozenset(Conversations)
    kind: Literal["haproxy"]
    socket: str
    """The path of the stats socket, with a `/` in it, or host:port."""
    backend: Annotated[str, Field(pattern=_HAPROXY_NAME)]
    candidate: Annotated[str, Field(min_length=1)] = "$release"
    """The candidate's server; `$release` is filled in."""
    baseline: Annotated[str, Field(pattern=_HAPROXY_NAME)]
    """The server of the last known good release."""
    timeout: Duration = timedelta(seconds=2)

    @field_validator("socket")
    @classmethod
    def _path_or_port(cls, socket: str) -> str:
        host, _, port = socket.rpartition(":")
        if "/" in socket or (host and port.isdecimal() and int(port) in range(1, 65536)):
            return socket
        msg = f"'{socket}' is neither host:port nor a path; a path has a '/' in it, such as ./admin.sock"
        raise ValueError(msg)

    @model_validator(mode="after")
    def _two_servers(self) -> HaproxyTarget:
        if self.candidate == self.baseline:
            msg = "'candidate' and 'baseline' are two servers; one takes what the other loses"
            raise ValueError(msg)
        return self


class HttpTarget(Frozen):
    """A system of the site's own, which keeps the contract of docs/reference/http-target.md."""

    sees_to: ClassVar[frozenset[Conversations]] = frozenset(Conversations)
    kind: Literal["http"]
    url: str
    """Where the exposure of a release is; `$service` and `$release` are filled in, URL-encoded."""
    capability: Capability = Capability.PERCENTAGE
    """`pointer`: it is at the release (100) or is not (0), and nothing between is asked of it."""
    timeout: Duration = timedelta(seconds=2)
    token: SecretRef | None = None
    """Sent as a bearer token."""
    ca: str | None = None
    """The path of the certificates that sign the server's, instead of the public ones."""

    @model_validator(mode="after")
    def _names_a_release(self) -> HttpTarget:
        if "$release" not in self.url and "${release}" not in self.url:
            msg = "'url' has no '$release', so it is the same for every release"
            raise ValueError(msg)
        _ca_is_for_https(self.url, self.ca)
        return self


class MlflowTarget(Frozen):
    """An alias of a registered model or prompt in MLflow."""

    sees_to: ClassVar[frozenset[Conversations]] = frozenset()
    kind: Literal["mlflow"]
    url: str
    """Where the tracking server is; `/api/2.0/mlflow` is added."""
    model: MlflowName | None = None
    """The registered model whose alias it is."""
    prompt: MlflowName | None = None
    """Or the prompt."""
    alias: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
    baseline: Annotated[str, Field(min_length=1)]
    """The last known good release, to whose version the alias goes at 0."""
    release_tag: Annotated[str, Field(pattern=r"^[A-Za-z0-9_. :/-]+$")] | None = None
    """The tag of a version that names its release; without it releases are called as versions are."""
    timeout: Duration = timedelta(seconds=2)
    token: SecretRef | None = None
    """Sent as a bearer token."""
    basic: BasicAuth | None = None
    ca: str | None = None
    """The path of the certificates that sign the server's, instead of the public ones."""

    @model_validator(mode="after")
    def _one_of_each(self) -> MlflowTarget:
        if (self.model is None) == (self.prompt is None):
            msg = "name either 'model' or 'prompt', whose alias it is"
            raise ValueError(msg)
        if self.token and self.basic:
            msg = "a server is given either 'token' or 'basic', not both"
            raise ValueError(msg)
        _ca_is_for_https(self.url, self.ca)
        return self


class HttpRouteTarget(Frozen):
    """Two backends of an HTTPRoute of the Kubernetes Gateway API; experimental."""

    sees_to: ClassVar[frozenset[Conversations]] = frozenset()
    kind: Literal["httproute"]
    url: str
    """Where the API server is; `/apis/gateway.networking.k8s.io/v1` is added."""
    namespace: Annotated[str, Field(pattern=_KUBERNETES_NAME)]
    route: Annotated[str, Field(pattern=_KUBERNETES_NAME)]
    """The HTTPRoute's name."""
    candidate: Annotated[str, Field(min_length=1)] = "$release"
    """The candidate's backend, by its name in `backendRefs`; `$release` is filled in."""
    baseline: Annotated[str, Field(pattern=_KUBERNETES_NAME)]
    """The backend of the last known good release."""
    timeout: Duration = timedelta(seconds=2)
    token: SecretRef
    """A service account's token; sent as a bearer token."""
    ca: str | None = None
    """The path of the certificates that sign the server's, instead of the public ones."""

    @model_validator(mode="after")
    def _two_backends(self) -> HttpRouteTarget:
        if self.candidate == self.baseline:
            msg = "'candidate' and 'baseline' are two backends; one takes what the other loses"
            raise ValueError(msg)
        _ca_is_for_https(self.url, self.ca)
        return self


class UnleashTarget(Frozen):
    """A gradual rollout of a feature in Unleash, in one environment."""

    sees_to: ClassVar[frozenset[Conversations]] = frozenset({Conversations.MIGRATE})
    kind: Literal["unleash"]
    url: str
    """Where the server is; `/api/admin` is added."""
    project: Annotated[str, Field(min_length=1)] = "default"
    feature: Annotated[str, Field(min_length=1)]
    """Its name; `$release` is filled in. Without it, the strategy's one variant names the release."""
    environment: Annotated[str, Field(min_length=1)]
    strategy: Annotated[str, Field(min_length=1)] | None = None
    """The title or the id of the strategy, where there are several."""
    timeout: Duration = timedelta(seconds=2)
    token: SecretRef
    """An API token that may change strategies; sent as a bearer token."""
    ca: str | None = None
    """The path of the certificates that sign the server's, instead of the public ones."""

    @model_validator(mode="after")
    def _ca_fits(self) -> UnleashTarget:
        _ca_is_for_https(self.url, self.ca)
        return self


def _ca_is_for_https(url: str, ca: str | None) -> None:
    if ca and not url.lower().startswith("https://"):
        msg = "'ca' is for an address that begins with https://"
        raise ValueError(msg)


Target = Annotated[
    FlagdFileTarget | HaproxyTarget | HttpRouteTarget | HttpTarget | MlflowTarget | UnleashTarget,
    Field(discriminator="kind"),
]
