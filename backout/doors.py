"""The alert doors of a site: who may send alerts, and how a sender shows that it is the one."""

from __future__ import annotations

from typing import Annotated, TypeAlias, assert_never

from pydantic import BeforeValidator, Field, model_validator

from backout.model import Frozen
from backout.secret import SecretRef

_HEADER = r"^[A-Za-z][A-Za-z0-9-]{0,99}$"
_ORIGIN = r"^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*$"


def _one_or_many(given: object) -> object:
    return given if isinstance(given, list | tuple) else [given]


Secrets = Annotated[tuple[SecretRef, ...], BeforeValidator(_one_or_many), Field(min_length=1)]
"""One secret, or several while it is rotated: each of them is accepted."""


class DoorRate(Frozen):
    """How many messages a door takes; alerts that come in one message count once."""

    per_s: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)] = 100.0
    """Messages each second, on average."""
    burst: Annotated[int, Field(ge=1, le=1_000_000)] = 5000
    """Messages at once, after a silence."""


class DoorUser(Frozen):
    """A user name and the passwords with which a sender may come in."""

    user: Annotated[str, Field(min_length=1, pattern=r"^[^:]*$")]
    """A colon would end it: the password begins there."""
    password: Secrets


class DoorSignature(Frozen):
    """What a sender signs its messages with: HMAC-SHA256 over the body as it is sent."""

    secret: Secrets
    header: Annotated[str, Field(pattern=_HEADER)] | None = None
    """The header that carries the signature, in hexadecimal digits; else the one that the sender names so."""
    timestamp_header: Annotated[str, Field(pattern=_HEADER)] | None = None
    """The header that carries the seconds since 1970. They are signed too, and a message that is more than
    5 min old is a replay."""


class AlertDoor(Frozen):
    """The door for a sender that presents a token, or a user and password."""

    token: Secrets | None = None
    """The bearer token that it must present."""
    basic: DoorUser | None = None
    rate: DoorRate = DoorRate()

    @model_validator(mode="after")
    def _one_way_in(self) -> AlertDoor:
        _exactly_one(token=self.token, basic=self.basic)
        return self


class SignedAlertDoor(Frozen):
    """The door for a sender that can also sign what it sends."""

    token: Secrets | None = None
    """The bearer token that it must present."""
    basic: DoorUser | None = None
    signature: DoorSignature | None = None
    rate: DoorRate = DoorRate()

    @model_validator(mode="after")
    def _one_way_in(self) -> SignedAlertDoor:
        _exactly_one(token=self.token, basic=self.basic, signature=self.signature)
        return self


class PagerDutyDoor(Frozen):
    """The door for PagerDuty's v3 webhooks, which are signed."""

    secret: Secrets
    """The secret of the webhook subscription."""
    rate: DoorRate = DoorRate()


class CloudEventsDoor(Frozen):
    """The door for CloudEvents, and what their types mean."""

    token: Secrets | None = None
    """The bearer token that a sender must present."""
    basic: DoorUser | None = None
    firing: Annotated[tuple[str, ...], Field(min_length=1)]
    """The types of events that fire an alert."""
    resolved: tuple[str, ...] = ()
    """The types of events that resolve one."""
    origins: tuple[Annotated[str, Field(max_length=253, pattern=_ORIGIN)], ...] = ()
    """The senders, such as `eventgrid.azure.net`, that are told that they may deliver when they ask first
    (the handshake of CloudEvents' webhooks). It opens nothing: each message still shows the token."""
    rate: DoorRate = DoorRate()

    @model_validator(mode="after")
    def _fits(self) -> CloudEventsDoor:
        _exactly_one(token=self.token, basic=self.basic)
        if both := sorted({*self.firing} & {*self.resolved}):
            msg = f"type '{both[0]}' cannot both fire and resolve"
            raise ValueError(msg)
        return self


def secrets_of(door: AnyAlertDoor) -> tuple[SecretRef, ...]:
    """Return the secrets that open a door."""
    match door:
        case PagerDutyDoor(secret=secrets):
            return secrets
        case SignedAlertDoor(signature=DoorSignature(secret=secrets)):
            return secrets
        case AlertDoor() | SignedAlertDoor() | CloudEventsDoor():
            return door.basic.password if door.basic else door.token or ()
        case _:
            assert_never(door)


def _exactly_one(**ways: object) -> None:
    if sum(way is not None for way in ways.values()) != 1:
        names = " and ".join(f"'{name}'" for name in ways)
        msg = f"a door is opened by exactly one of {names}"
        raise ValueError(msg)


AnyAlertDoor: TypeAlias = AlertDoor | SignedAlertDoor | PagerDutyDoor | CloudEventsDoor


class AlertDoors(Frozen):
    """Who may send alerts; each sender has a door of its own."""

    alertmanager: AlertDoor | None = None
    grafana: SignedAlertDoor | None = None
    pagerduty: PagerDutyDoor | None = None
    datadog: AlertDoor | None = None
    opsgenie: AlertDoor | None = None
    """Jira Service Management's too."""
    cloudevents: CloudEventsDoor | None = None
    generic: SignedAlertDoor | None = None

    @property
    def open(self) -> dict[str, AnyAlertDoor]:
        """The doors that there are, by sender."""
        doors: dict[str, AnyAlertDoor | None] = dict(self)
        return {sender: door for sender, door in doors.items() if door is not None}
