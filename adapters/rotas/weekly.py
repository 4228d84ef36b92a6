"""A rota that the site file holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from backout.errors import UnknownName
from backout.on_call import on_call
from backout.people import Person
from backout.rotas import WeeklyRota


class SiteRota:
    """People who take turns, as the site file says."""

    def __init__(self, rota: WeeklyRota) -> None:
        self._rota = rota

    async def people(self, *, at: datetime, directory: Mapping[str, Person]) -> tuple[str, ...]:
        """Return who is on call; nobody before the first hand-over."""
        person = on_call(self._rota, at)
        if person is None:
            return ()
        if person not in directory:
            raise UnknownName(kind="person of the site", name=person, known=directory)
        return (person,)
