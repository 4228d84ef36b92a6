"""A schedule of PagerDuty, through its REST API: `GET /oncalls`.

PagerDuty knows who is on call for the levels of its escalation policies; so the schedule must stand in one.
The same person may be on call at several levels, and is one person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import AwareDatetime, BaseModel

from adapters.fetch import Access
from adapters.rotas.asking import Asker
from backout.errors import RejectedBySystem, UnknownName
from backout.people import Person

_ACCEPT = "application/vnd.pagerduty+json;version=2"
_PAGE = 100
"""Entries that one answer may have."""
_MOST_PAGES = 10


class _User(BaseModel):
    id: str
    summary: str | None = None
    name: str | None = None
    email: str | None = None


class _OnCall(BaseModel):
    user: _User
    start: AwareDatetime | None = None
    """None: for as long as the user is in the escalation policy."""
    end: AwareDatetime | None = None


class _Answer(BaseModel):
    oncalls: list[_OnCall]
    more: bool = False


class PagerDutySchedule:
    """Asks PagerDuty who is on call by one schedule."""

    def __init__(self, schedule: str, token: str, timeout: timedelta, url: str) -> None:
        self._schedule = schedule
        self._what = f"PagerDuty schedule {schedule}"
        access = Access(token=f"token={token}", scheme="Token")
        self._asker = Asker(self._what, url=url, timeout=timeout, access=access)

    async def people(self, *, at: datetime, directory: Mapping[str, Person]) -> tuple[str, ...]:
        """Return who is on call at a moment.

        Raises:
            PauseAsked: PagerDuty had too many requests.
            RejectedBySystem: the token may not read it, or the answer is none that PagerDuty documents.
            UnknownName: somebody is on call who is not in the directory.
            Unreachable: PagerDuty did not answer, or has a failure of its own.
        """
        users = {
            one.user.id: one.user
            for one in await self._on_calls(at)
            # An entry that ends in this moment overlaps with it too.
            if (one.start is None or one.start <= at) and (one.end is None or at < one.end)
        }
        return tuple(dict.fromkeys(_key_of(user, directory) for user in users.values()))

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        await self._asker.aclose()

    async def _on_calls(self, at: datetime) -> Sequence[_OnCall]:
        moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        fields = {
            "schedule_ids[]": self._schedule,
            "include[]": "users",
            "since": moment,
            "until": moment,
            "time_zone": "UTC",
            "limit": str(_PAGE),
        }
        found: list[_OnCall] = []
        for _ in range(_MOST_PAGES):
            page = fields | {"offset": str(len(found))}
            answer = await self._asker.ask("/oncalls", page, accept=_ACCEPT, model=_Answer)
            found += answer.oncalls
            if not answer.more or not answer.oncalls:
                return found
        why = f"it names more than {_MOST_PAGES * _PAGE} people on call; name a schedule of fewer"
        raise RejectedBySystem(what=self._what, why=why)


def _key_of(user: _User, directory: Mapping[str, Person]) -> str:
    by_id = [key for key, person in directory.items() if person.pagerduty == user.id]
    mail = (user.email or "").casefold()
    by_mail = [key for key, person in directory.items() if mail and (person.email or "").casefold() == mail]
    for key in (*by_id, *by_mail):
        return key
    # Addresses are personal: of those who are known, their PagerDuty ids are told.
    known = [person.pagerduty for person in directory.values() if person.pagerduty]
    name = f"{user.name or user.summary or 'somebody'} ({user.id})"
    raise UnknownName(kind="PagerDuty user, by 'pagerduty' or 'email' of a person,", name=name, known=known)
