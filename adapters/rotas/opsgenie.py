"""A schedule of Opsgenie, through its Who Is On Call API: `GET /v2/schedules/{name}/on-calls`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from pydantic import BaseModel, Field

from adapters.fetch import Access
from adapters.rotas.asking import Asker
from backout.errors import UnknownName
from backout.people import Person


class _Data(BaseModel):
    recipients: list[str] = Field(alias="onCallRecipients")
    """User names; at Opsgenie they are e-mail addresses."""


class _Answer(BaseModel):
    data: _Data


class OpsgenieSchedule:
    """Asks Opsgenie who is on call by one schedule."""

    def __init__(self, schedule: str, token: str, timeout: timedelta, url: str) -> None:
        self._path = f"/v2/schedules/{quote(schedule, safe='')}/on-calls"
        access = Access(token=token, scheme="GenieKey")
        self._asker = Asker(f"Opsgenie schedule {schedule}", url=url, timeout=timeout, access=access)

    async def people(self, *, at: datetime, directory: Mapping[str, Person]) -> tuple[str, ...]:
        """Return who is on call at a moment.

        Raises:
            PauseAsked: Opsgenie had too many requests.
            RejectedBySystem: the key may not read it, there is no such schedule, or the answer is none that
                Opsgenie documents.
            UnknownName: somebody is on call who is not in the directory.
            Unreachable: Opsgenie did not answer, or has a failure of its own.
        """
        fields = {
            "scheduleIdentifierType": "name",
            "flat": "true",
            "date": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        }
        answer = await self._asker.ask(self._path, fields, accept="application/json", model=_Answer)
        return tuple(dict.fromkeys(_key_of(user, directory) for user in answer.data.recipients))

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        await self._asker.aclose()


def _key_of(user: str, directory: Mapping[str, Person]) -> str:
    mail = user.casefold()
    for key, person in directory.items():
        if (person.email or "").casefold() == mail:
            return key
    known = [key for key, person in directory.items() if person.email]
    raise UnknownName(kind="Opsgenie user, by 'email' of a person,", name=user, known=known)
