"""The integrity checks that a site file names: how each looks at the world."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from backout.check_values import Scalar, ValueAt
from backout.model import Duration, Frozen, format_duration
from backout.releases import Digest
from backout.secret import SecretRef

LONGEST_CHECK = timedelta(hours=1)
SHORTEST_PAUSE = timedelta(seconds=1)
Of = Literal["candidate", "baseline"]


def _not_too_long(value: timedelta) -> timedelta:
    if value > LONGEST_CHECK:
        msg = (
            f"one look may take {format_duration(LONGEST_CHECK)} at most; 'every' waits for what takes longer"
        )
        raise ValueError(msg)
    return value


def _not_too_often(value: timedelta) -> timedelta:
    if value < SHORTEST_PAUSE:
        msg = f"a check is looked at again after {format_duration(SHORTEST_PAUSE)} at least"
        raise ValueError(msg)
    return value


Patience = Annotated[Duration, AfterValidator(_not_too_long)]
Pause = Annotated[Duration, AfterValidator(_not_too_often)]


class BaseCheck(Frozen):
    """What every check has."""

    timeout: Patience
    """How long one look may take."""
    of: Of = "candidate"
    """Which release `$release` stands for: the one under suspicion, or the last known good one."""
    every: Pause | None = None
    """Where it does not pass yet: look again after this long, until the step's window ends. None: one look
    decides."""


class HttpCheck(BaseCheck):
    """An integrity check by a GET: the status, and fields of its JSON answer."""

    kind: Literal["http"]
    url: str
    """`$service`, `$release` and `$baseline` are filled in, URL-encoded."""
    token: SecretRef | None = None
    """Sent as a bearer token."""
    status: int = 200
    expect: dict[str, Scalar] = {}
    """Field of the JSON answer (dots go deeper) and the value that it must have."""


class SqlCheck(BaseCheck):
    """An assertion on a database: what a SELECT yields."""

    kind: Literal["sql"]
    url: SecretRef
    """The SQLAlchemy URL; it holds a password, so it is a secret."""
    query: str
    """`:service`, `:release` and `:baseline` are bound."""
    no_rows: bool = False
    """It must yield no row at all; those that it yields are what is wrong."""
    expect: Scalar | None = None
    """It must yield one row with this one value."""
    at_most: float | None = None
    """It must yield one row with one number that is not above this."""

    @model_validator(mode="after")
    def _one_assertion(self) -> SqlCheck:
        if [self.no_rows, self.expect is not None, self.at_most is not None].count(True) != 1:
            msg = "say what must be so by exactly one of 'no_rows: true', 'expect' and 'at_most'"
            raise ValueError(msg)
        return self


Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Word = Annotated[str, Field(pattern=r"^[^\x00]*$")]


class CommandCheck(BaseCheck):
    """A program that exits with 0 where the world is as it should be. No shell reads its words."""

    kind: Literal["command"]
    command: Annotated[tuple[Word, ...], Field(min_length=1)]
    """The program and its arguments. One that is `$service`, `$release`, `$baseline` or `$key` as a whole is
    filled in."""
    folder: str = "."
    """Where it runs."""
    env: dict[Variable, Word | SecretRef] = {}
    """Its whole environment: it sees nothing of the worker's own."""

    @model_validator(mode="after")
    def _names_a_program(self) -> CommandCheck:
        if not self.command[0] or "$" in self.command[0]:
            msg = "the first word of 'command' is the program, and is never filled in"
            raise ValueError(msg)
        return self


class ArtifactAt(Frozen):
    """An artifact, and where it must be."""

    artifact: Literal["model", "prompt", "config", "index", "guardrail", "dataset"] | None = None
    """The kind of the release's registered artifact whose digest is compared."""
    name: str = ""
    """Its name, where the release has several of that kind."""
    digest: Digest | None = None
    """The digest itself, where it is not that of a registered artifact."""
    path: str | None = None
    """A file, or a folder by its canonical digest. `$service`, `$release`, `$baseline`, `$digest` and `$hex`
    are filled in."""
    url: str | None = None
    """An address whose whole body is compared."""
    token: SecretRef | None = None
    """Sent to the address as a bearer token."""

    @model_validator(mode="after")
    def _one_of_each(self) -> ArtifactAt:
        if (self.path is None) == (self.url is None):
            msg = "name either 'path' or 'url', where the artifact must be"
            raise ValueError(msg)
        if (self.artifact is None) == (self.digest is None):
            msg = "name either 'artifact', which is registered, or its 'digest'"
            raise ValueError(msg)
        if (self.name and not self.artifact) or (self.token and not self.url):
            msg = "'name' goes with 'artifact', and 'token' with 'url'"
            raise ValueError(msg)
        return self


class DigestCheck(BaseCheck):
    """Artifacts are where they must be, with the digests that were recorded."""

    kind: Literal["digest"]
    of: Of = "baseline"
    artifacts: Annotated[tuple[ArtifactAt, ...], Field(min_length=1)]
    largest_mib: Annotated[int, Field(ge=1)] = 102_400
    """So many MiB are read of one artifact at most."""


class DrainedCheck(BaseCheck):
    """A queue is empty, at two looks in a row."""

    kind: Literal["drained"]
    count: ValueAt
    """How many are in it."""
    at_most: Annotated[float, Field(ge=0)] = 0
    apart: Patience = timedelta(seconds=2)
    """The time between the two looks."""


class PairingCheck(BaseCheck):
    """Two places say the same: the index and the encoder, the prompt's schema and the parser's."""

    kind: Literal["pairing"]
    one: ValueAt
    other: ValueAt


class Purge(Frozen):
    """How a cache is told to forget."""

    url: str
    """`$service`, `$release` and `$baseline` are filled in, URL-encoded."""
    method: Literal["POST", "PURGE", "DELETE"] = "POST"
    token: SecretRef | None = None
    """Sent as a bearer token."""


class PurgedCheck(BaseCheck):
    """A cache has forgotten what the candidate left in it."""

    kind: Literal["purged"]
    url: str
    """What is read through the cache. `$service`, `$release` and `$baseline` are filled in, URL-encoded."""
    token: SecretRef | None = None
    """Sent as a bearer token."""
    purge: Purge | None = None
    """Sent before each look, with an Idempotency-Key of the incident's step."""
    age_below: Duration | None = None
    """What is answered has been in a cache for less than this, by its Age."""
    origin: str | None = None
    """The same without the cache: both must have the same ETag."""
    not_headers: dict[str, str] = {}
    """Headers that must be there, with another value than this."""
    not_fields: dict[str, Scalar] = {}
    """Fields of the JSON answer that must be there, with another value than this: such as `$release`."""

    @model_validator(mode="after")
    def _says_what_is_old(self) -> PurgedCheck:
        if not (self.age_below or self.origin or self.not_headers or self.not_fields):
            msg = "say how old content is told: by 'age_below', 'origin', 'not_headers' or 'not_fields'"
            raise ValueError(msg)
        return self


class OutputsCheck(BaseCheck):
    """What the candidate produced is quarantined; the ids of all of it are evidence."""

    kind: Literal["outputs"]
    url: SecretRef
    """The SQLAlchemy URL; with `mark`, of an account that may write."""
    ids: str
    """A SELECT that yields the id of every output of the release. `:release` is bound."""
    mark: str | None = None
    """An UPDATE or INSERT that quarantines those that are not yet, in the same transaction."""
    left: str | None = None
    """A SELECT that yields those that are not quarantined: none may be left."""


Check = Annotated[
    HttpCheck
    | SqlCheck
    | CommandCheck
    | DigestCheck
    | DrainedCheck
    | PairingCheck
    | PurgedCheck
    | OutputsCheck,
    Field(discriminator="kind"),
]
"""Checks: how the integrity of the world is looked at."""


def effect(check: Check) -> str:
    """Return what a look changes, or may change; empty where it only looks."""
    if isinstance(check, CommandCheck):
        return "it runs a command"
    if isinstance(check, PurgedCheck) and check.purge:
        return "it purges a cache"
    return "it marks outputs" if isinstance(check, OutputsCheck) and check.mark else ""
