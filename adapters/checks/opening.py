"""The integrity checks that a site file names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from adapters.checks.command import CommandChecker
from adapters.checks.comparing import DrainedChecker, PairingChecker
from adapters.checks.digest import MIB, DigestChecker, Located
from adapters.checks.http import HttpChecker
from adapters.checks.outputs import OutputsChecker
from adapters.checks.purged import PurgedChecker
from adapters.checks.sql import SqlChecker, at_most, equals, no_rows
from adapters.checks.subject import Subject
from adapters.checks.values import FileValue, HttpValue, SourceValue, SqlValue, Value
from adapters.fetch import Access, Fetcher
from backout import check_values, checks, ports
from backout.secret import SecretRef


@dataclass(frozen=True)
class Reach:
    """What checks are built from, beside their own settings."""

    secret: Callable[[SecretRef], str]
    path: Callable[[str], Path]
    source: Callable[[str], ports.Source]
    registry: Callable[[], ports.Registry]

    def access(self, token: SecretRef | None) -> Access:
        """Return what lets us into a system."""
        return Access(token=self.secret(token) if token else None)


def open_check(name: str, config: checks.Check, reach: Reach) -> Subject:
    """Return a check. `SecretMissing`: what it needs to be let in is not there."""
    return Subject(_open(name, config, reach), of=config.of, every=config.every)


def _open(name: str, config: checks.Check, reach: Reach) -> ports.Check:
    match config:
        case checks.HttpCheck():
            access = reach.access(config.token)
            return HttpChecker(name, config.url, config.timeout, config.status, config.expect, access)
        case checks.SqlCheck():
            return _sql(name, config, reach)
        case checks.CommandCheck():
            return _command(name, config, reach)
        case checks.DigestCheck():
            return _digest(name, config, reach)
        case _:
            return _of_the_world(name, config, reach)


def _of_the_world(
    name: str,
    config: checks.DrainedCheck | checks.PairingCheck | checks.PurgedCheck | checks.OutputsCheck,
    reach: Reach,
) -> ports.Check:
    """Return a check of what the release left behind."""
    match config:
        case checks.DrainedCheck():
            count = _value(name, config.count, config, reach)
            return DrainedChecker(name, count, config.timeout, at_most=config.at_most, apart=config.apart)
        case checks.PairingCheck():
            one, other = (_value(name, at, config, reach) for at in (config.one, config.other))
            return PairingChecker(name, one, other, config.timeout)
        case checks.PurgedCheck():
            purging = reach.access(config.purge.token if config.purge else None)
            return PurgedChecker(name, config, access=reach.access(config.token), purging=purging)
        case checks.OutputsCheck():
            url = reach.secret(config.url)
            return OutputsChecker(name, url, config.timeout, config.ids, mark=config.mark, left=config.left)


def _sql(name: str, config: checks.SqlCheck, reach: Reach) -> SqlChecker:
    if config.expect is not None:
        judge = equals(config.expect)
    else:
        judge = no_rows if config.at_most is None else at_most(config.at_most)
    return SqlChecker(name, reach.secret(config.url), config.timeout, config.query, judge)


def _command(name: str, config: checks.CommandCheck, reach: Reach) -> CommandChecker:
    secrets = {key: reach.secret(told) for key, told in config.env.items() if isinstance(told, SecretRef)}
    plain = {key: told for key, told in config.env.items() if isinstance(told, str)}
    return CommandChecker(
        name,
        config.command,
        config.timeout,
        folder=reach.path(config.folder),
        env=plain | secrets,
        secrets=[*secrets.values()],
    )


def _digest(name: str, config: checks.DigestCheck, reach: Reach) -> DigestChecker:
    def located(at: checks.ArtifactAt) -> Located:
        if at.url is None:
            return Located(at)
        access = reach.access(at.token)
        return Located(at, Fetcher(f"check {name}", timeout=config.timeout, limit=MIB, access=access))

    return DigestChecker(
        name,
        [located(at) for at in config.artifacts],
        config.timeout,
        largest=config.largest_mib * MIB,
        path=reach.path,
        registry=reach.registry,
    )


def _value(
    name: str,
    at: check_values.ValueAt,
    config: checks.DrainedCheck | checks.PairingCheck,
    reach: Reach,
) -> Value:
    what = f"check {name}"
    match at:
        case check_values.HttpValue():
            return HttpValue(what, at.url, at.field, config.timeout, reach.access(at.token))
        case check_values.FileValue():
            return FileValue(what, reach.path, at.path, at.field)
        case check_values.SqlValue():
            return SqlValue(what, reach.secret(at.url), config.timeout, at.query)
        case check_values.SourceValue():
            return SourceValue(reach.source(at.source), at.query)
