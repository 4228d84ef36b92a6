"""Where a check finds one value: a JSON answer, a JSON file, a database or one of the site's sources."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from string import Template
from typing import Protocol

from pydantic import JsonValue

from adapters.checks.sql_values import NoData, checked, one_value, refused
from adapters.checks.subject import in_address, in_path, names_of
from adapters.database import Database, StatementFailed
from adapters.fetch import Access, Fetcher, is_passing
from adapters.json_fields import parsed, value_at
from adapters.sources.sql_text import shown
from backout import ports
from backout.counting import Query
from backout.errors import RejectedBySystem, Unreachable
from backout.guard import Place
from backout.requests import RunCheck
from backout.streams import asked as asked_of

ANSWER_LIMIT = 16 * 1024 * 1024
"""Bytes that a JSON document may have."""


class Value(Protocol):
    """A place with one value."""

    async def read(self, *, asked: RunCheck) -> JsonValue:
        """Return the value. `NoData`: there is none. `Unreachable`, `RejectedBySystem`: it cannot be seen."""

    def where(self, asked: RunCheck) -> str:
        """Return the place in words."""


class HttpValue:
    """A field of the JSON answer to a GET."""

    def __init__(self, what: str, url: str, field: str, timeout: timedelta, access: Access) -> None:
        self._what = what
        self._url = Template(url)
        self._field = field
        self._fetcher = Fetcher(what, timeout=timeout, limit=ANSWER_LIMIT, access=access)

    def where(self, asked: RunCheck) -> str:
        """Return the field and the address."""
        return f"{self._field} of {self._url.substitute(in_address(asked))}"

    async def read(self, *, asked: RunCheck) -> JsonValue:
        """Return the field. `NoData`: the address has no such document, or that has no such field."""
        url = self._url.substitute(in_address(asked))
        page = await self._fetcher.get(url, accept="application/json")
        if is_passing(page.status):
            raise Unreachable(what=self._what, why=f"GET {url} answered {page.status}")
        if page.status != HTTPStatus.OK:
            raise NoData(why=f"it answers {page.status}")
        return _field_of(page.body, self._field)

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        await self._fetcher.aclose()


class FileValue:
    """A field of a JSON file."""

    def __init__(self, what: str, path: Callable[[str], Path], text: str, field: str) -> None:
        """Read the file at this text's path, once its placeholders are filled in."""
        self._what = what
        self._path = path
        self._text = Template(text)
        self._field = field

    def where(self, asked: RunCheck) -> str:
        """Return the field and the file."""
        return f"{self._field} of {self._text.substitute(names_of(asked))}"

    async def read(self, *, asked: RunCheck) -> JsonValue:
        """Return the field. `NoData`: there is no such file, or it has no such field."""
        path = self._path(self._text.substitute(in_path(asked)))
        return _field_of(await asyncio.to_thread(_bytes_of, path, self._what), self._field)


class SqlValue:
    """What a SELECT yields."""

    def __init__(self, what: str, url: str, timeout: timedelta, query: str) -> None:
        self._what = what
        self._database = Database(url, timeout)
        self._query = checked(what, query)

    def where(self, asked: RunCheck) -> str:  # noqa: ARG002  # its names are bound, not written
        """Return the query."""
        return f"'{shown(self._query)}'"

    async def read(self, *, asked: RunCheck) -> JsonValue:
        """Return the one value. `NoData`: the SELECT yields none."""
        names = names_of(asked)
        try:
            return await self._database.within(lambda turn: one_value(turn, self._query, names))
        except StatementFailed as failed:
            raise refused(self._what, f"{self.where(asked)}: {failed}", failed) from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._database.aclose()


class SourceValue:
    """A number that one of the site's sources counts."""

    def __init__(self, source: ports.Source, query: str) -> None:
        self._source = source
        self._query = query

    def where(self, asked: RunCheck) -> str:
        """Return the query as the source is asked it."""
        return f"'{shown(self._asked(asked).text)}'"

    async def read(self, *, asked: RunCheck) -> JsonValue:
        """Return the count. `NoData`: the source has none."""
        (counted,) = await self._source.look(queries=[self._asked(asked)])
        if counted.total is None:
            raise NoData(why=counted.problem.rstrip(".") or "nothing is counted there")
        return counted.total

    def _asked(self, asked: RunCheck) -> Query:
        place = Place(service=asked.service, release=asked.release, baseline=asked.baseline or "")
        return asked_of(Query(text=self._query), place)


def _bytes_of(path: Path, what: str) -> bytes:
    try:
        with path.open("rb") as file:
            found = file.read(ANSWER_LIMIT + 1)
    except FileNotFoundError:
        raise NoData(why="there is no such file") from None
    except OSError as error:
        raise Unreachable(what=what, why=f"{path}: {error.strerror}") from error
    if len(found) > ANSWER_LIMIT:
        raise RejectedBySystem(what=what, why=f"{path} is larger than {ANSWER_LIMIT} bytes")
    return found


def _field_of(body: bytes, field: str) -> JsonValue:
    try:
        found = value_at(parsed(body), field)
    except ValueError:
        raise NoData(why="it is not JSON") from None
    except LookupError:
        raise NoData(why="the field is missing") from None
    if found is None:
        raise NoData(why="the field is null")
    return found
