"""Artifacts are where they must be: files, folders and addresses, against the digests that were recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from string import Template
from urllib.parse import quote

from adapters.checks.subject import in_address, in_path, in_time
from adapters.checks.trees import NoArtifact, Reader
from adapters.fetch import Fetcher, is_passing
from backout import ports
from backout.checks import ArtifactAt
from backout.errors import Unreachable
from backout.messages import CheckResult
from backout.releases import Artifact
from backout.requests import RunCheck

MIB = 1024 * 1024


@dataclass(frozen=True)
class Located:
    """An artifact of the site file, and what it is read by."""

    at: ArtifactAt
    fetcher: Fetcher | None = None
    """For one that is at an address."""


class DigestChecker:
    """Compares digests; the registry says which were recorded."""

    def __init__(
        self,
        name: str,
        artifacts: Sequence[Located],
        timeout: timedelta,
        *,
        largest: int,
        path: Callable[[str], Path],
        registry: Callable[[], ports.Registry],
    ) -> None:
        """Read so many bytes of each at most; the registry is opened where a digest is not given."""
        self._path = path
        self._what = f"check {name}"
        self._artifacts = tuple(artifacts)
        self._timeout = timeout
        self._largest = largest
        needed = any(one.at.artifact for one in artifacts)
        self._registry = registry() if needed else None

    async def run(self, *, asked: RunCheck) -> CheckResult:
        """Read every artifact.

        Raises:
            Unreachable: one cannot be read, or not in time.
        """
        async with in_time(self._what, self._timeout):
            recorded = await self._recorded(asked)
            seen = [await self._compare(one, recorded, asked) for one in self._artifacts]
        found = f"{asked.release}: {'; '.join(words for _, words in seen)}"
        return CheckResult(check=asked.check, passed=all(same for same, _ in seen), found=found)

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        for one in self._artifacts:
            if one.fetcher:
                await one.fetcher.aclose()

    async def _recorded(self, asked: RunCheck) -> tuple[Artifact, ...]:
        if self._registry is None:
            return ()
        record = await self._registry.release(service=asked.service, release=asked.release)
        return record.registration.artifacts if record else ()

    async def _compare(self, one: Located, recorded: Sequence[Artifact], asked: RunCheck) -> tuple[bool, str]:
        try:
            digest = _wanted(one.at, recorded)
            what = f"{_called(one.at)} {self._where(one, digest, asked)}"
        except NoArtifact as none:
            return False, f"{_called(one.at)} {none}"
        try:
            found = await self._digest(one, digest, asked)
        except NoArtifact as none:
            return False, f"{what} {none}"
        same = found == digest
        return same, f"{what} has its digest" if same else f"{what} has {found} (recorded {digest})"

    def _where(self, one: Located, digest: str, asked: RunCheck) -> str:
        names = {"digest": digest, "hex": digest.partition(":")[2]}
        if one.at.path is not None:
            return str(self._path(Template(one.at.path).substitute(in_path(asked) | names)))
        quoted = {name: quote(value, safe="") for name, value in names.items()}
        return Template(one.at.url or "").substitute(in_address(asked) | quoted)

    async def _digest(self, one: Located, digest: str, asked: RunCheck) -> str:
        reader, where = Reader(self._largest), self._where(one, digest, asked)
        if one.fetcher is not None:
            return await self._fetched(one.fetcher, where, reader)
        try:
            return await asyncio.to_thread(reader.digest_of, Path(where))
        except OSError as error:
            raise Unreachable(what=self._what, why=f"{error.filename}: {error.strerror}") from error
        finally:
            reader.stop.set()

    async def _fetched(self, fetcher: Fetcher, url: str, reader: Reader) -> str:
        digest = sha256()

        def take(chunk: bytes) -> None:
            reader.take(len(chunk))
            digest.update(chunk)

        status = await fetcher.stream(url, take)
        if is_passing(status):
            raise Unreachable(what=self._what, why=f"GET {url} answered {status}")
        if status != HTTPStatus.OK:
            raise NoArtifact(why=f"answers {status}")
        return f"sha256:{digest.hexdigest()}"


def _called(at: ArtifactAt) -> str:
    return " ".join(part for part in (at.artifact or "artifact", at.name) if part)


def _wanted(at: ArtifactAt, recorded: Sequence[Artifact]) -> str:
    """Return the digest that was recorded. `NoArtifact`: none was, or it is not clear which."""
    if at.digest is not None:
        return at.digest
    fitting = [one for one in recorded if one.kind == at.artifact and at.name in ("", one.name)]
    if not fitting:
        raise NoArtifact(why="is not recorded: the release is not registered with one")
    if len(fitting) > 1:
        names = ", ".join(sorted(one.name for one in fitting))
        raise NoArtifact(why=f"is recorded several times; name one of {names}")
    return fitting[0].digest
