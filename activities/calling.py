"""Whom a page calls: people by their roles and names, and whoever is on call by a rota at that moment."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from backout.errors import BackoutError, NobodyFills, UnknownName, Unreachable
from backout.escalation import Level
from backout.people import Person
from backout.ports import OnCall
from backout.requests import PagePeople
from backout.rotas import Calendar
from backout.working_time import is_working_time

ROTA_PATIENCE_S = 5.0
"""Seconds that a rota has for its answer: the page that waits for it has a time of its own."""


@dataclass(frozen=True)
class Called:
    """Who is to be called."""

    people: tuple[str, ...]
    """By their keys, in the directory's order."""
    passed_over: str = ""
    """Why there is nobody, where that is as it should be."""
    unreached: tuple[str, ...] = ()
    """What could not be asked, where others are called all the same."""


@dataclass
class _Found:
    keys: set[str] = field(default_factory=set)
    failures: list[BackoutError] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)

    def failed(self, what: str, error: BackoutError) -> None:
        self.failures.append(error)
        self.unreached.append(f"{what}: {error}")


class Callers:
    """Knows the people of the site, its rotas and its calendars."""

    def __init__(
        self,
        *,
        directory: Mapping[str, Person],
        rotas: Mapping[str, OnCall],
        calendars: Mapping[str, Calendar],
    ) -> None:
        """Call these people."""
        self._directory = directory
        self._rotas = rotas
        self._calendars = calendars

    async def called(self, request: PagePeople) -> Called:
        """Return whom a page calls. One rota that fails keeps nobody else from being called.

        Raises:
            NobodyFills: nobody fills the roles that the page is for beside any level.
            BackoutError: what could not be asked left nobody to be called.
        """
        at, found, why_not = request.at or datetime.now(UTC), _Found(), []
        due: list[Level] = []
        for level in request.levels:
            if reason := self._passed_over(level, at, found):
                why_not.append(reason)
            else:
                due.append(level)
        roles = {*request.roles, *(role for level in due for role in level.page)}
        found.keys |= {key for key, person in self._directory.items() if roles & set(person.roles)}
        for key in (key for level in due for key in level.people):
            self._named(key, found)
        rotas = tuple(dict.fromkeys(rota for level in due for rota in level.rotas))
        await asyncio.gather(*(self._on_call(rota, at, found) for rota in rotas))
        people = tuple(key for key in self._directory if key in found.keys)
        if people:
            return Called(people, unreached=tuple(found.unreached))
        return Called((), passed_over=_nobody(request, found, why_not, roles, rotas))

    def _passed_over(self, level: Level, at: datetime, found: _Found) -> str:
        """Say why a level is not for this hour; empty where it is, or where that cannot be known."""
        name = level.hours or level.off_hours
        if name is None:
            return ""
        if name not in self._calendars:
            # Rather a page too many than none.
            unknown = UnknownName(kind="calendar", name=name, known=self._calendars)
            found.unreached.append(f"calendar {name}: {unknown}")
            return ""
        works = is_working_time(self._calendars[name], at)
        if level.hours:
            return "" if works else f"it is outside the hours of {name}"
        return f"it is within the hours of {name}" if works else ""

    def _named(self, key: str, found: _Found) -> None:
        if key in self._directory:
            found.keys.add(key)
        else:
            found.failed(f"person {key}", UnknownName(kind="person", name=key, known=self._directory))

    async def _on_call(self, rota: str, at: datetime, found: _Found) -> None:
        try:
            if rota not in self._rotas:
                raise UnknownName(kind="rota", name=rota, known=self._rotas)
            async with asyncio.timeout(ROTA_PATIENCE_S):
                found.keys |= set(await self._rotas[rota].people(at=at, directory=self._directory))
        except TimeoutError:
            late = Unreachable(what=f"Rota {rota}", why=f"no answer within {ROTA_PATIENCE_S:g} s")
            found.failed(f"rota {rota}", late)
        except BackoutError as error:
            found.failed(f"rota {rota}", error)


def _nobody(
    request: PagePeople, found: _Found, why_not: list[str], roles: set[str], rotas: tuple[str, ...]
) -> str:
    """Return why there is nobody to call, or raise what went wrong: what a retry can mend comes first."""
    if found.failures:
        raise next((one for one in found.failures if isinstance(one, Unreachable)), found.failures[0])
    if request.roles or not request.levels:
        raise NobodyFills(roles=", ".join(request.roles))
    if rotas:
        why_not.append(f"nobody is on call by {', '.join(rotas)}")
    if roles:
        why_not.append(f"nobody fills {', '.join(sorted(roles))}")
    return "; ".join(dict.fromkeys(why_not))
