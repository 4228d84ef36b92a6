"""Who may come in through an alert door: tokens, users, signatures. Comparisons always take the same time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request

from backout.doors import (
    AlertDoor,
    AnyAlertDoor,
    CloudEventsDoor,
    DoorSignature,
    DoorUser,
    PagerDutyDoor,
    SignedAlertDoor,
    secrets_of,
)
from backout.secret import SecretRef

REPLAY_S = 300.0
"""How far the time of a signed message may be from ours, in seconds."""
MOST_SIGNATURES = 10
"""Signatures of one message that are looked at: a sender has one for each of its secrets."""

_BEARER, _BASIC, _SIGNED = "Bearer", 'Basic realm="alerts", charset="UTF-8"', "HMAC-SHA256"

Read: TypeAlias = Callable[[Request], Awaitable[bytes]]

_log = logging.getLogger(__name__)


class WayIn(Protocol):
    """How a sender shows that it is the one."""

    @property
    def secrets(self) -> Sequence[str]:
        """What opens the door; each of them does."""

    async def body_of(self, request: Request, read: Read) -> bytes:
        """Return the body of a request that may come in. `HTTPException`: 401, it may not."""


@dataclass(frozen=True)
class ByToken:
    """A bearer token. Who does not present it is not read at all."""

    secrets: tuple[str, ...] = field(repr=False)

    async def body_of(self, request: Request, read: Read) -> bytes:
        """Return the body of a request that presents one of the tokens."""
        presented = _credentials(request, "bearer").encode()
        if not _is_any(presented, self.secrets):
            raise _refused(_BEARER)
        return await read(request)


@dataclass(frozen=True)
class ByUser:
    """A user name and a password. Who does not present them is not read at all."""

    user: str
    secrets: tuple[str, ...] = field(repr=False)

    async def body_of(self, request: Request, read: Read) -> bytes:
        """Return the body of a request that presents the user with one of the passwords."""
        pairs = [f"{self.user}:{password}" for password in self.secrets]
        if not _is_any(_pair(_credentials(request, "basic")), pairs):
            raise _refused(_BASIC)
        return await read(request)


@dataclass(frozen=True)
class BySignature:
    """HMAC-SHA256 over the raw body, or over `time:body` where the sender signs the time too."""

    secrets: tuple[str, ...] = field(repr=False)
    header: str
    version: str = ""
    """What stands before each signature, such as `v1=`."""
    timestamp_header: str | None = None
    now: Callable[[], float] = time.time

    async def body_of(self, request: Request, read: Read) -> bytes:
        """Return the body of a request that is signed with one of the secrets, and is not a replay."""
        presented = _signatures(request.headers.get(self.header, ""), self.version)
        told = request.headers.get(self.timestamp_header, "") if self.timestamp_header else None
        if not presented or told == "":
            raise _refused(_SIGNED)
        body = await read(request)
        if not self._signed(body if told is None else told.encode() + b":" + body, presented):
            raise _refused(_SIGNED)
        if told is not None:
            self._must_be_new(told)
        return body

    def _signed(self, content: bytes, presented: Sequence[bytes]) -> bool:
        made = [hmac.new(secret.encode(), content, hashlib.sha256).hexdigest() for secret in self.secrets]
        fits = [_is_any(one, made) for one in presented]
        return any(fits)

    def _must_be_new(self, told: str) -> None:
        """Refuse a replay. It is rightly signed, so whoever runs the gateway is told why."""
        age_s = self.now() - float(told) if told.isascii() and told.isdecimal() else float("inf")
        if abs(age_s) > REPLAY_S:
            _log.warning(
                "A signed alert was refused as a replay: its time '%.20s' is %.0f s old", told, age_s
            )
            raise _refused(_SIGNED)


def _refused(challenge: str) -> HTTPException:
    """Return the one refusal of everybody who is not let in: it does not say what was wrong."""
    return HTTPException(401, headers={"WWW-Authenticate": challenge})


def _credentials(request: Request, wanted: str) -> str:
    scheme, _, told = request.headers.get("authorization", "").partition(" ")
    return told.strip() if scheme.lower() == wanted else ""


def _pair(told: str) -> bytes:
    try:
        return base64.b64decode(told, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _signatures(header: str, version: str) -> list[bytes]:
    parts = [part.strip() for part in header.split(",")[:MOST_SIGNATURES]]
    signed = [part.removeprefix(version).lower().encode() for part in parts if part.startswith(version)]
    return [one for one in signed if one]


def _is_any(presented: bytes, right: Sequence[str]) -> bool:
    # Every one is compared, whichever fits.
    fits = [hmac.compare_digest(presented, one.encode()) for one in right]
    return any(fits)


_USUAL = {"grafana": "X-Grafana-Alerting-Signature", "pagerduty": "X-PagerDuty-Signature"}
_OURS = "X-Backout-Signature"


def way_in(sender: str, door: AnyAlertDoor, secret: Callable[[SecretRef], str]) -> WayIn:
    """Return how a sender comes in through its door; `secret` looks secrets up."""
    secrets = tuple(map(secret, secrets_of(door)))
    usual = _USUAL.get(sender, _OURS)
    match door:
        case PagerDutyDoor():
            return BySignature(secrets, header=usual, version="v1=")
        case SignedAlertDoor(signature=DoorSignature() as signed):
            return BySignature(secrets, signed.header or usual, timestamp_header=signed.timestamp_header)
        case AlertDoor(basic=DoorUser(user=user)) | CloudEventsDoor(basic=DoorUser(user=user)):
            return ByUser(user, secrets)
        case SignedAlertDoor(basic=DoorUser(user=user)):
            return ByUser(user, secrets)
        case _:
            return ByToken(secrets)
