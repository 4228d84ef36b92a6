"""The site file: where things are and which people there are. The playbook only names them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator

from backout.addresses import is_this_machine
from backout.checks import Check
from backout.doors import AlertDoors
from backout.model import Duration, Frozen, MailAddress, Name
from backout.people import Person
from backout.probes import Probe
from backout.rotas import Calendar, Rota
from backout.secret import BasicAuth, SecretRef
from backout.targets import Target

Port = Annotated[int, Field(ge=0, le=65535)]
"""A TCP port; 0 lets the system choose."""


class ExpositionSource(Frozen):
    """A service's own /metrics page in the Prometheus text format."""

    kind: Literal["exposition"]
    url: str
    timeout: Duration
    token: SecretRef | None = None
    """Sent as a bearer token where the page asks for one."""


class PrometheusSource(Frozen):
    """A Prometheus server, or what speaks its HTTP API; queries are PromQL."""

    kind: Literal["prometheus"]
    url: str
    """Where the API begins; `/api/v1/query` is added."""
    timeout: Duration
    token: SecretRef | None = None
    """Sent as a bearer token."""
    basic: BasicAuth | None = None
    ca: str | None = None
    """The path of the certificates that sign the server's, instead of the public ones."""
    client_cert: str | None = None
    """The path of the certificate that we show the server."""
    client_key: str | None = None
    """The path of its private key, without a passphrase."""

    @model_validator(mode="after")
    def _one_way_in(self) -> PrometheusSource:
        if self.token and self.basic:
            msg = "a server is given either 'token' or 'basic', not both"
            raise ValueError(msg)
        if (self.client_cert is None) != (self.client_key is None):
            msg = "'client_cert' and 'client_key' go together; name both or neither"
            raise ValueError(msg)
        if (self.ca or self.client_cert) and not self.url.lower().startswith("https://"):
            msg = "'ca' and 'client_cert' are for an address that begins with https://"
            raise ValueError(msg)
        return self


class PushSource(Frozen):
    """Counts that evaluators, LLM judges and moderation queues send to `POST /signals`."""

    kind: Literal["push"]
    path: str
    """The SQLite file that keeps them; the gateway writes it and the worker reads it."""
    token: SecretRef
    """The bearer token that a sender must present."""
    keep: Duration = timedelta(days=30)
    """How long a push is remembered, for history and for repeats of its key."""


class SqlSource(Frozen):
    """A database; each query is a SELECT that yields one count, or a cohort and its count in each row."""

    kind: Literal["sql"]
    url: SecretRef
    """The SQLAlchemy URL; it holds a password, so it is a secret."""
    timeout: Duration


class ReportSource(Frozen):
    """Evaluation reports: JSON lines, each with the verdicts on one output."""

    kind: Literal["report"]
    path: str
    """A file, or a pattern such as `reports/*.jsonl`; lines may be added while it is read."""
    keep: Duration = timedelta(days=7)
    """How long verdicts are remembered after their output was produced, for history and for repeats."""


Source = Annotated[
    ExpositionSource | PrometheusSource | PushSource | SqlSource | ReportSource, Field(discriminator="kind")
]


class SlackChannel(Frozen):
    """A Slack channel, through the Web API."""

    kind: Literal["slack"]
    channel: str
    """The channel's id, such as `C01INC`."""
    token: SecretRef
    api: str = "https://slack.com/api/"


class TerminalChannel(Frozen):
    """The worker's standard output, where no Slack is configured."""

    kind: Literal["terminal"]


class SlackDirectChannel(Frozen):
    """Direct messages in Slack, one to each person who is called."""

    kind: Literal["slack-direct"]
    token: SecretRef
    api: str = "https://slack.com/api/"


class PagerDutyChannel(Frozen):
    """Pages through PagerDuty's Events API v2: one incident there for each of ours."""

    kind: Literal["pagerduty"]
    routing_key: SecretRef
    timeout: Duration
    url: str = "https://events.pagerduty.com/v2/enqueue"


class MailChannel(Frozen):
    """E-mail over SMTP, to the people who are called, or to fixed addresses."""

    kind: Literal["mail"]
    host: Annotated[str, Field(max_length=253, pattern=r"^[A-Za-z0-9:_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*$")]
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    sender: MailAddress
    """The address that it comes from."""
    to: tuple[MailAddress, ...] = ()
    """Addresses that every message goes to, beside the people who are called."""
    user: str | None = None
    password: SecretRef | None = None
    tls: Literal["starttls", "tls", "none"] = "starttls"
    """none: only for a server on this very machine."""
    ca: str | None = None
    """The path of the certificates that sign the server's, instead of the public ones."""
    timeout: Duration

    @model_validator(mode="after")
    def _safe_login(self) -> MailChannel:
        if (self.user is None) != (self.password is None):
            msg = "'user' and 'password' go together; name both or neither"
            raise ValueError(msg)
        if self.password and self.tls == "none":
            msg = "a password is not sent without TLS; say 'tls: starttls' or 'tls: tls'"
            raise ValueError(msg)
        if self.tls == "none" and not is_this_machine(self.host):
            msg = "'tls: none' is for a server on this very machine, such as 127.0.0.1"
            raise ValueError(msg)
        if self.tls == "none" and self.ca:
            msg = "'ca' goes with 'tls: starttls' or 'tls: tls'"
            raise ValueError(msg)
        return self


class WebhookChannel(Frozen):
    """A POST of documented JSON to an address of yours, signed with a secret."""

    kind: Literal["webhook"]
    url: str
    secret: SecretRef
    """Signs the body: header `X-Backout-Signature: v1=<hex of HMAC-SHA256 over timestamp.body>`."""
    timeout: Duration


Channel = Annotated[
    SlackChannel | TerminalChannel | SlackDirectChannel | PagerDutyChannel | MailChannel | WebhookChannel,
    Field(discriminator="kind"),
]


class SqliteStore(Frozen):
    """A SQLite file, and documents beside it."""

    kind: Literal["sqlite"]
    path: str
    documents: str
    """The folder in which postmortems are written."""


class SlackDoor(Frozen):
    """The door for Slack's commands, buttons and forms: signed HTTP, or Socket Mode."""

    signing_secret: SecretRef | None = None
    """http: what Slack signs its requests with."""
    app_token: SecretRef | None = None
    """socket: the app-level token (xapp-...) that opens the connection; nothing has to be reachable then."""
    token: SecretRef | None = None
    """The bot token (xoxb-...) that opens forms and asks who is in a user group."""
    api: str = "https://slack.com/api/"
    groups: dict[Annotated[str, Field(pattern=r"^S[A-Z0-9]{2,30}$")], Name] = {}
    """The role that the members of a Slack user group fill, by the group's id, such as `S01ONCALL`."""

    @model_validator(mode="after")
    def _one_transport(self) -> SlackDoor:
        if (self.signing_secret is None) == (self.app_token is None):
            msg = "name either 'signing_secret' (HTTP) or 'app_token' (Socket Mode)"
            raise ValueError(msg)
        if (self.groups or self.app_token) and self.token is None:
            msg = "'groups' and 'app_token' need the bot's 'token' too"
            raise ValueError(msg)
        return self


class Deputy(Frozen):
    """Somebody stands in for somebody else, with their roles, for a while."""

    person: Name
    """Who stands in."""
    of: Name
    """For whom."""
    roles: tuple[Name, ...] = ()
    """Which of that person's roles; all of them where nothing is said."""
    start: AwareDatetime
    end: AwareDatetime
    """From then on they do not stand in any more."""

    @model_validator(mode="after")
    def _somebody_else_for_a_while(self) -> Deputy:
        if self.person == self.of:
            msg = "nobody is their own deputy; name somebody else"
            raise ValueError(msg)
        if self.end <= self.start:
            msg = "it ends before it begins; 'end' must be later than 'start'"
            raise ValueError(msg)
        return self


class ReleaseDoor(Frozen):
    """The door for pipelines that tell of releases, and mark external events."""

    token: SecretRef
    """The bearer token that a pipeline must present."""


class Gateway(Frozen):
    """Where the gateway listens."""

    host: str = "127.0.0.1"
    port: Port = 8090
    outbox: str
    """The path of the outbox's SQLite file."""
    alerts: AlertDoors = AlertDoors()
    slack: SlackDoor | None = None
    releases: ReleaseDoor | None = None


class Route(Frozen):
    """Which alerts start which playbook; the first route that matches wins."""

    match: Annotated[dict[str, str], Field(min_length=1)]
    """Labels that an alert must have, with these very values."""
    playbook: Name
    service: Name | None = None
    """The service that such alerts are about; else the playbook's."""
    service_label: Annotated[str, Field(min_length=1)] | None = None
    """The label that names the service, where one playbook is for several."""
    release_label: Annotated[str, Field(min_length=1)] = "release"
    """The label that names the release."""

    @model_validator(mode="after")
    def _one_service(self) -> Route:
        if self.service is not None and self.service_label is not None:
            msg = "name either 'service' or 'service_label', not both"
            raise ValueError(msg)
        return self


class Site(Frozen):
    """One deployment of Backout."""

    site: Name
    playbooks: str = "playbooks"
    """The folder of the playbooks."""
    people: dict[Name, Person]
    deputies: tuple[Deputy, ...] = ()
    rotas: dict[Name, Rota] = {}
    """Who is on call, by the names that escalation policies use."""
    calendars: dict[Name, Calendar] = {}
    """When people work, by the names that escalation policies use."""
    act_as: tuple[str, ...] = ()
    """Operating-system accounts that may act as any person through the command line. Each of them alone is as
    good as every quorum: for a demo, or a bastion that people share and trust."""
    sources: dict[Name, Source]
    targets: dict[Name, Target]
    channels: dict[Name, Channel]
    checks: dict[Name, Check] = {}
    probes: dict[Name, Probe] = {}
    """The ways to the service on which it is asked which release answers."""
    store: SqliteStore
    gateway: Gateway
    routes: tuple[Route, ...] = ()
    ui: str = ""
    """The address of Temporal's UI, for links; empty without one."""

    def members(self, role: str) -> tuple[str, ...]:
        """Return the keys of the people who fill a role, in the directory's order."""
        return tuple(key for key, person in self.people.items() if role in person.roles)
