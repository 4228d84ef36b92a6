"""Rotas of PagerDuty and Opsgenie tell who is on call, by the site's own people, or why they cannot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from adapters.rotas.opsgenie import OpsgenieSchedule
from adapters.rotas.pagerduty import PagerDutySchedule
from adapters.rotas.weekly import SiteRota
from backout.errors import BackoutError, PauseAsked, RejectedBySystem, UnknownName, Unreachable
from backout.ports import OnCall
from backout.rotas import WeeklyRota
from tests.adapters.conftest import Serve
from tests.adapters.on_call_systems import DIRECTORY, NOW, Faults, Opsgenie, PagerDuty, pagerduty_entry

FROM, TO = "2026-03-30T00:00:00Z", "2026-04-06T00:00:00Z"
ON_CALL = pagerduty_entry("PT23IWX", start=FROM, end=TO, name="Tim Wright", email="tim@example.com")
Ask = Callable[..., Awaitable[tuple[str, ...]]]
Systems = tuple[PagerDuty | Opsgenie, Ask]


@pytest.fixture(params=["pagerduty", "opsgenie"])
async def system(request: pytest.FixtureRequest, serve: Serve) -> AsyncIterator[Systems]:
    """Return each of the systems, with Ann or Ben on call, and what asks it."""
    fake = PagerDuty(ON_CALL) if request.param == "pagerduty" else Opsgenie("primary", "ben@example.com")
    address = await serve(fake.answer)
    opened: list[PagerDutySchedule | OpsgenieSchedule] = []

    async def ask(token: str = "", *, timeout_s: float = 30) -> tuple[str, ...]:
        timeout = timedelta(seconds=timeout_s)
        rota = (
            PagerDutySchedule("PI7DH85", token or PagerDuty.token, timeout, address)
            if isinstance(fake, PagerDuty)
            else OpsgenieSchedule("primary", token or Opsgenie.key, timeout, address)
        )
        opened.append(rota)
        return await rota.people(at=NOW, directory=DIRECTORY)

    yield fake, ask
    for rota in opened:
        await rota.aclose()


async def on_call(fake: PagerDuty, serve: Serve) -> tuple[str, ...]:
    rota = PagerDutySchedule("PI7DH85", fake.token, timedelta(seconds=30), await serve(fake.answer))
    try:
        return await rota.people(at=NOW, directory=DIRECTORY)
    finally:
        await rota.aclose()


async def test_pagerduty_is_asked_for_one_schedule_and_one_moment_in_utc(serve: Serve) -> None:
    fake = PagerDuty(ON_CALL)
    assert await on_call(fake, serve) == ("ann",)
    (asked,) = fake.asked
    assert (asked["schedule_ids[]"], asked["include[]"]) == ("PI7DH85", "users")
    assert (asked["since"], asked["until"]) == ("2026-03-30T06:00:00Z", "2026-03-30T06:00:00Z")


async def test_people_of_pagerduty_are_known_by_their_id_or_else_by_their_address(serve: Serve) -> None:
    entries = [
        pagerduty_entry("PCLEO00", start=None, end=None, email="somebody-else@example.com"),
        pagerduty_entry("PXXXXXX", start=FROM, end=TO, email="ben@EXAMPLE.com"),
    ]
    assert await on_call(PagerDuty(*entries), serve) == ("cleo", "ben")


async def test_one_person_at_two_levels_of_a_policy_is_one_person(serve: Serve) -> None:
    second = pagerduty_entry("PT23IWX", start=FROM, end=TO, level=2)
    assert await on_call(PagerDuty(ON_CALL, second), serve) == ("ann",)


async def test_who_hands_over_in_this_very_moment_is_off_and_who_takes_over_is_on(serve: Serve) -> None:
    ends = pagerduty_entry("PT23IWX", start=FROM, end="2026-03-30T08:00:00+02:00")
    begins = pagerduty_entry("PCLEO00", start="2026-03-30T08:00:00+02:00", end=TO)
    assert await on_call(PagerDuty(ends, begins), serve) == ("cleo",)


async def test_every_page_of_pagerduty_is_read(serve: Serve) -> None:
    fake = PagerDuty(ON_CALL, ON_CALL, pagerduty_entry("PCLEO00", start=FROM, end=TO))
    fake.most = 2
    assert await on_call(fake, serve) == ("ann", "cleo")
    assert [asked["offset"] for asked in fake.asked] == ["0", "2"]


async def test_pages_without_end_are_refused(serve: Serve) -> None:
    fake = PagerDuty(*[ON_CALL] * 12)
    fake.most = 1
    with pytest.raises(RejectedBySystem, match="more than 1000 people"):
        await on_call(fake, serve)


async def test_nobody_on_call_is_an_empty_answer(serve: Serve) -> None:
    assert await on_call(PagerDuty(), serve) == ()


async def test_somebody_whom_the_site_does_not_know_is_an_error_with_those_it_knows(serve: Serve) -> None:
    with pytest.raises(UnknownName) as caught:
        await on_call(PagerDuty(pagerduty_entry("PNOBODY", start=FROM, end=TO, name="Tim Wright")), serve)
    assert str(caught.value) == (
        "Unknown PagerDuty user, by 'pagerduty' or 'email' of a person, 'Tim Wright (PNOBODY)'. "
        "Known: PCLEO00, PT23IWX."
    )


async def test_opsgenie_is_asked_by_the_schedule_s_name_whatever_is_in_it(serve: Serve) -> None:
    fake = Opsgenie("Model team/primary", "ben@example.com", "CLEO@example.com", "ben@example.com")
    rota = OpsgenieSchedule("Model team/primary", fake.key, timedelta(seconds=30), await serve(fake.answer))
    assert await rota.people(at=NOW, directory=DIRECTORY) == ("ben", "cleo")
    await rota.aclose()
    (asked,) = fake.asked
    assert asked["date"] == "2026-03-30T06:00:00+00:00"


async def test_a_recipient_whom_the_site_does_not_know_is_an_error(serve: Serve) -> None:
    fake = Opsgenie("primary", "ben@example.com", "zoe@example.com")
    rota = OpsgenieSchedule("primary", fake.key, timedelta(seconds=30), await serve(fake.answer))
    with pytest.raises(UnknownName, match=r"'zoe@example.com'. Known: ben, cleo"):
        await rota.people(at=NOW, directory=DIRECTORY)
    await rota.aclose()


async def test_a_token_that_is_not_let_in_is_said_and_not_shown(system: Systems) -> None:
    _, ask = system
    with pytest.raises(RejectedBySystem, match="answered 401; it asks for a token") as caught:
        await ask("a-wrong-secret")
    assert "a-wrong-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("faults", "kind", "said"),
    [
        pytest.param(Faults(429, {"Retry-After": "7"}), PauseAsked, "for 7 s", id="too many requests"),
        pytest.param(Faults(429), PauseAsked, "for 30 s", id="too many requests, without saying how long"),
        pytest.param(
            Faults(429, {"Retry-After": "Wed, 24 Oct 2001 07:28:00 GMT"}),
            PauseAsked,
            "for 30 s",
            id="a date that is over",
        ),
        pytest.param(Faults(429, {"Retry-After": "9" * 20}), PauseAsked, "for 30 s", id="for ever"),
        pytest.param(Faults(500), Unreachable, "answered 500", id="a failure of its own"),
        pytest.param(Faults(503), Unreachable, "answered 503", id="out of service"),
        pytest.param(Faults(403), RejectedBySystem, "answered 403; the token may not read it", id="no right"),
        pytest.param(Faults(404), RejectedBySystem, "answered 404", id="no such schedule"),
        pytest.param(Faults(302, {"Location": "/"}), RejectedBySystem, "redirects", id="a redirect"),
        pytest.param(Faults(body="<html>"), RejectedBySystem, "something else than is", id="no JSON"),
        pytest.param(Faults(body="[]"), RejectedBySystem, "something else than is", id="other JSON"),
        pytest.param(Faults(body='{"data": {}}'), RejectedBySystem, "Field required", id="a lost field"),
        pytest.param(Faults(slow_s=1), Unreachable, "within 0.05 s", id="too slow"),
        pytest.param(Faults(body=" " * 1_100_000), RejectedBySystem, "larger than", id="too much"),
    ],
)
async def test_what_goes_wrong_has_its_name(
    system: Systems, faults: Faults, kind: type[BackoutError], said: str
) -> None:
    fake, ask = system
    fake.faults = faults
    with pytest.raises(kind, match=said):
        await ask(timeout_s=0.05 if faults.slow_s else 5)


async def test_nobody_at_the_address_is_said(closed_address: str) -> None:
    rota = PagerDutySchedule("PI7DH85", "t", timedelta(seconds=30), closed_address)
    with pytest.raises(Unreachable, match="PagerDuty schedule PI7DH85 did not answer"):
        await rota.people(at=NOW, directory=DIRECTORY)
    await rota.aclose()


async def test_a_rota_of_the_site_file_knows_its_people_and_nobody_before_its_start() -> None:
    rota: OnCall = SiteRota(
        WeeklyRota.model_validate(
            {
                "kind": "weekly",
                "people": ["cleo", "zoe"],
                "start": "2026-03-30",
                "handover": "08:00",
                "zone": "Europe/Berlin",
            }
        )
    )
    assert await rota.people(at=NOW, directory=DIRECTORY) == ("cleo",)
    assert await rota.people(at=NOW - timedelta(seconds=1), directory=DIRECTORY) == ()
    with pytest.raises(UnknownName, match=r"Unknown person of the site 'zoe'. Known: ann, ben, cleo"):
        await rota.people(at=NOW + timedelta(days=7), directory=DIRECTORY)
