"""The probes that a site file names: how the service itself is asked which release answers."""

from __future__ import annotations

from datetime import timedelta
from string import Template
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from backout.model import Duration, Frozen, format_duration
from backout.secret import SecretRef

ProbePath = Literal["direct", "replica", "cache", "session"]
"""What a probe's questions go through, to name what is wrong there. direct: as any user's. replica: to one
replica, past the others. cache: through a cache. session: as a user whom something keeps at one server."""
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$")]
LONGEST_ANSWER = timedelta(seconds=5)
"""So long one answer may take: every round may wait for it, and the step still ends in time."""
MOST_SESSIONS = 50
"""Users that one probe asks as, at most: each of them asks in every round."""


def _not_too_long(value: timedelta) -> timedelta:
    if value > LONGEST_ANSWER:
        longest = format_duration(LONGEST_ANSWER)
        msg = f"an answer may take {longest} at most, as every round waits for it"
        raise ValueError(msg)
    return value


class Way(Frozen):
    """What the way of a probe to the service is."""

    path: ProbePath = "direct"
    sessions: Annotated[int, Field(ge=1, le=MOST_SESSIONS)] = 1
    """So many users ask."""
    lasts: Duration | None = None
    """How long a conversation lasts, after which the same user begins another; None: as long as is asked."""


class HttpProbe(Frozen):
    """A GET whose answer says which release answered: in a header, or in a field of its JSON."""

    kind: Literal["http"]
    url: str
    """`$service` and `$session` are filled in, URL-encoded."""
    path: ProbePath = "direct"
    """What this way goes through: direct, replica, cache or session."""
    release_header: HeaderName | None = None
    """The header of the answer that names the release."""
    release_field: Annotated[str, Field(min_length=1)] | None = None
    """Or the field of the JSON answer; dots go deeper."""
    headers: dict[HeaderName, str] = {}
    """Sent with every question; `$service` and `$session` are filled in."""
    cookies: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(max_length=4)] = ()
    """The cookies that keep a user at one server. Only these are kept, and sent with the next question."""
    sessions: Annotated[int, Field(ge=1, le=MOST_SESSIONS)] = 1
    """So many users ask, each with a `$session` and cookies of their own."""
    lasts: Duration | None = None
    """How long a conversation lasts, after which the same user begins another."""
    timeout: Annotated[Duration, AfterValidator(_not_too_long)] = timedelta(seconds=2)
    token: SecretRef | None = None
    """Sent as a bearer token."""
    ca: str | None = None
    """The path of the certificates that sign the server's, instead of the public ones."""

    @property
    def way(self) -> Way:
        """What the way to the service is."""
        return Way(path=self.path, sessions=self.sessions, lasts=self.lasts)

    def has(self, placeholder: str) -> bool:
        """Say whether this is filled in, into the address or a header."""
        return any(
            placeholder in Template(text).get_identifiers() for text in (self.url, *self.headers.values())
        )

    @model_validator(mode="after")
    def _says_where_the_release_is(self) -> Self:
        if (self.release_header is None) == (self.release_field is None):
            msg = "name either 'release_header' or 'release_field', which says what release answered"
            raise ValueError(msg)
        if self.ca and not self.url.lower().startswith("https://"):
            msg = "'ca' is for an address that begins with https://"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _a_session_is_told_apart(self) -> Self:
        if self.path == "session" and not (self.cookies or self.has("session")):
            msg = "nothing tells one session from another; name 'cookies', or write $session into 'headers'"
            raise ValueError(msg)
        if self.path != "session" and (self.cookies or self.lasts):
            msg = "'cookies' and 'lasts' are for 'path: session'"
            raise ValueError(msg)
        if self.cookies and "cookie" in {name.lower() for name in self.headers}:
            msg = "the header 'Cookie' is made from 'cookies'; leave one of them out"
            raise ValueError(msg)
        return self


Probe = HttpProbe
"""A probe of the site; a second kind makes this a union."""
