"""A page calls whom its levels are for at that moment, and what fails keeps nobody else from it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from activities.people import PeopleActivities
from adapters.memory import MemoryChannel
from adapters.rotas.pagerduty import PagerDutySchedule
from adapters.rotas.weekly import SiteRota
from backout.escalation import Level
from backout.people import Person
from backout.ports import OnCall
from backout.requests import Paged, PagePeople
from backout.rotas import Calendar, WeeklyRota
from tests.unit.attempts import done, failed
from tests.unit.views import TEMPLATES, briefing

DIRECTORY = {
    "ann": Person(name="Ann", roles=("on_call",)),
    "ben": Person(name="Ben"),
    "cleo": Person(name="Cleo"),
    "dora": Person(name="Dora", roles=("commander",)),
}
ROTA = {"kind": "weekly", "start": "2026-01-05", "handover": "09:00", "zone": "Europe/Berlin"}
TUESDAY = datetime.fromisoformat("2026-01-06T10:00:00+01:00")
NIGHT = datetime.fromisoformat("2026-01-06T22:00:00+01:00")
OFFICE = Calendar.model_validate(
    {"zone": "Europe/Berlin", "hours": {"tuesday": {"start": "09:00", "end": "17:00"}}}
)
NOBODY_LISTENS = "http://127.0.0.1:9"


def weekly(*people: str, **changes: str) -> SiteRota:
    return SiteRota(WeeklyRota.model_validate({**ROTA, "people": people, **changes}))


def telling(channel: MemoryChannel, rotas: Mapping[str, OnCall] | None = None) -> PeopleActivities:
    return PeopleActivities(
        channels={"room": channel},
        directory=DIRECTORY,
        templates=TEMPLATES,
        history="",
        rotas=rotas
        or {
            "primary": weekly("ben", "cleo"),
            "next-year": weekly("ben", start="2027-01-04"),
            "strangers": weekly("zoe"),
            "down": PagerDutySchedule("PI7DH85", "t", timedelta(seconds=1), NOBODY_LISTENS),
        },
        calendars={"office": OFFICE},
    )


def page(*levels: dict[str, Any], at: datetime = TUESDAY, roles: tuple[str, ...] = ()) -> PagePeople:
    return PagePeople(
        channel="room",
        roles=roles,
        why="rule critical fired",
        brief=briefing(),
        levels=tuple(Level.model_validate({"wait": "5m", **level}) for level in levels),
        at=at,
    )


async def paged(request: PagePeople) -> tuple[Paged, list[str]]:
    """Return what the page says, and the keys of those whom the channel called."""
    channel = MemoryChannel()
    answer = await done(telling(channel).page_people, request)
    return answer, [key for message in channel.posted for key in message.mentions]


@pytest.mark.parametrize(
    ("level", "at", "called"),
    [
        ({"rotas": ["primary"]}, TUESDAY, ["ben"]),
        ({"rotas": ["primary"]}, TUESDAY + timedelta(days=7), ["cleo"]),
        ({"people": ["dora", "cleo"], "page": ["on_call"]}, TUESDAY, ["ann", "cleo", "dora"]),
        ({"rotas": ["primary"], "people": ["ben"]}, TUESDAY, ["ben"]),
        ({"rotas": ["primary", "next-year"]}, TUESDAY, ["ben"]),
        ({"page": ["on_call"], "hours": "office"}, TUESDAY, ["ann"]),
        ({"page": ["on_call"], "off_hours": "office"}, NIGHT, ["ann"]),
    ],
    ids=[
        "whoever is on call by a rota",
        "somebody else a week later",
        "people by name and by role",
        "who is called twice is called once",
        "a rota that has not begun has nobody to add",
        "within the hours of a calendar",
        "outside the hours of a calendar",
    ],
)
async def test_a_level_calls_whom_it_is_for_now(
    level: dict[str, Any], at: datetime, called: list[str]
) -> None:
    answer, keys = await paged(page(level, at=at))
    assert keys == called
    assert answer.people == tuple(DIRECTORY[key].name for key in called)
    assert (answer.passed_over, answer.unreached) == ("", ())


@pytest.mark.parametrize(
    ("level", "at", "why"),
    [
        ({"page": ["on_call"], "hours": "office"}, NIGHT, "it is outside the hours of office"),
        ({"page": ["on_call"], "off_hours": "office"}, TUESDAY, "it is within the hours of office"),
        ({"rotas": ["next-year"]}, TUESDAY, "nobody is on call by next-year"),
        ({"page": ["board"]}, TUESDAY, "nobody fills board"),
    ],
)
async def test_a_level_that_is_for_nobody_is_passed_over_with_the_reason(
    level: dict[str, Any], at: datetime, why: str
) -> None:
    answer, keys = await paged(page(level, at=at))
    assert (answer.passed_over, answer.people, keys) == (why, (), [])


async def test_of_several_levels_those_are_called_that_are_for_this_hour() -> None:
    night = ({"people": ["ben"], "hours": "office"}, {"people": ["cleo"], "off_hours": "office"})
    _, keys = await paged(page(*night, at=NIGHT, roles=("commander",)))
    assert keys == ["cleo", "dora"]


@pytest.mark.parametrize(
    ("level", "called", "failed_part"),
    [
        ({"rotas": ["down", "primary"]}, ["ben"], "rota down: PagerDuty schedule PI7DH85 did not answer"),
        ({"rotas": ["strangers"], "page": ["on_call"]}, ["ann"], "rota strangers: Unknown person"),
        ({"rotas": ["mistyped", "primary"]}, ["ben"], "rota mistyped: Unknown rota 'mistyped'. Known: down"),
        ({"people": ["zoe", "ben"]}, ["ben"], "person zoe: Unknown person 'zoe'. Known: ann"),
        ({"people": ["ben"], "hours": "gone"}, ["ben"], "calendar gone: Unknown calendar 'gone'"),
    ],
    ids=["a rota is down", "a rota names a stranger", "no such rota", "no such person", "no such calendar"],
)
async def test_what_fails_keeps_nobody_else_from_being_called_and_is_told(
    level: dict[str, Any], called: list[str], failed_part: str
) -> None:
    answer, keys = await paged(page(level))
    assert keys == called
    assert [one.startswith(failed_part) for one in answer.unreached] == [True]


async def test_where_all_fails_it_is_an_error_that_is_tried_again_if_that_can_help() -> None:
    channel = MemoryChannel()
    both = await failed(telling(channel).page_people, page({"rotas": ["strangers", "down"]}))
    assert (both.type, both.non_retryable) == ("Unreachable", False)
    one = await failed(telling(channel).page_people, page({"rotas": ["strangers"]}))
    assert (one.type, one.non_retryable) == ("UnknownName", True)
    assert channel.posted == []


async def test_roles_that_nobody_fills_are_an_error_also_beside_levels_that_are_for_nobody() -> None:
    night = page({"people": ["ben"], "hours": "office"}, at=NIGHT, roles=("board",))
    assert (await failed(telling(MemoryChannel()).page_people, night)).type == "NobodyFills"


async def test_a_rota_that_hangs_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.calling.ROTA_PATIENCE_S", 0.01)

    async def never_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(never_answers, "127.0.0.1", 0) as server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        slow = PagerDutySchedule("PI7DH85", "t", timedelta(seconds=30), address)
        rotas: dict[str, OnCall] = {"primary": weekly("ben"), "slow": slow}
        people = telling(MemoryChannel(), rotas)
        answer = await done(people.page_people, page({"rotas": ["slow", "primary"]}))
        await slow.aclose()
    assert answer.people == ("Ben",)
    assert answer.unreached[0].startswith("rota slow: Rota slow did not answer: no answer within 0.01 s")
