"""Rotas and calendars of a site file: what is wrong is said at its place, with what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from backout.errors import InvalidDocument
from backout.yaml_text import load_site

TEXT = (Path(__file__).parent / "data" / "site.yaml").read_text(encoding="utf-8")
WEEKLY = '{kind: weekly, people: [ann, ben], start: 2026-01-05, handover: "09:00", zone: Europe/Berlin}'
ABSENCE = "overrides: [{person: ben, start: 2026-01-06T09:00:00Z, end: 2026-01-07T09:00:00Z}]"
OVERRIDDEN = f"{WEEKLY[:-1]}, {ABSENCE}}}"
PAGERDUTY = "{kind: pagerduty, schedule: PI7DH85, token: {env: PAGERDUTY_TOKEN}, timeout: 2s}"
PEOPLE = "Known: ann, ben, cleo, dan, eve"
NEAR_BERLIN = "'Europe/Berlin' or 'Europe/Belfast' or 'Europe/Helsinki'"


def refused(was: str, becomes: str, text: str = TEXT) -> list[str]:
    """Return what is wrong with the site after a change, without the places in the text."""
    assert was in text
    with pytest.raises(InvalidDocument) as caught:
        load_site(text.replace(was, becomes, 1), file="site.yaml")
    return [problem.split(": ", maxsplit=1)[1] for problem in caught.value.problems]


def test_the_site_with_its_rotas_and_calendars_is_sound() -> None:
    site = load_site(TEXT.replace(WEEKLY, OVERRIDDEN), file="site.yaml")
    assert list(site.rotas) == ["primary", "secondary"]
    assert list(site.calendars) == ["office"]


@pytest.mark.parametrize(
    ("was", "becomes", "problem"),
    [
        (
            "[ann, ben]",
            "[ann, bne]",
            f"rotas.primary.people[1]: unknown person 'bne'; did you mean 'ben'? {PEOPLE}",
        ),
        ("[ann, ben]", "[]", "rotas.primary.people: needs at least 1 of its items, found none"),
        (
            "Berlin, over",
            "Berln, over",
            (
                f"rotas.primary.zone: unknown time zone 'Europe/Berln'; did you mean {NEAR_BERLIN}? Write an "
                "IANA name, such as Europe/Berlin, Asia/Tokyo or UTC"
            ),
        ),
        (
            "2026-01-05",
            "5 January",
            ("rotas.primary.start: '5 January' is not a day from 1970 to 2199; write it as 2026-01-05"),
        ),
        (
            "2026-01-05",
            "20260105",
            "rotas.primary.start: 20260105 is not a day from 1970 to 2199; write it as 2026-01-05",
        ),
        (
            '"09:00", zone',
            '"9 am", zone',
            "rotas.primary.handover: '9 am' is not a time of day; write it as 09:00",
        ),
        (
            '"09:00", zone',
            '"09:00+01:00", zone',
            (
                "rotas.primary.handover: '09:00+01:00' has a zone of its own, but this time is local to "
                "'zone'; write it as 09:00"
            ),
        ),
        (
            ABSENCE,
            ABSENCE.replace("T09:00:00Z, end", "T09:00:00, end"),
            (
                "rotas.primary.overrides[0].start: '2026-01-06T09:00:00' has no zone; write Z (UTC) or an "
                "offset such as +02:00 behind it"
            ),
        ),
        (
            ABSENCE,
            ABSENCE.replace("2026-01-06T09:00:00Z", "yesterday"),
            (
                "rotas.primary.overrides[0].start: 'yesterday' is not a moment; write it as "
                "2026-01-05T09:00:00Z, or with +02:00 for the Z"
            ),
        ),
        (
            ABSENCE,
            ABSENCE.replace("2026-01-07T", "2026-01-05T"),
            "rotas.primary.overrides[0]: it ends before it begins; 'end' must be later than 'start'",
        ),
        (
            ABSENCE,
            ABSENCE.replace("person: ben", "person: bob"),
            f"rotas.primary.overrides[0].person: unknown person 'bob'. {PEOPLE}",
        ),
        (
            PAGERDUTY,
            PAGERDUTY.replace("2s", "20s"),
            "rotas.secondary.timeout: a page waits 5 s for its rotas; let this be 4s at most",
        ),
        (
            PAGERDUTY,
            PAGERDUTY.replace("}, timeout", "}, url: ftp://x, timeout"),
            "rotas.secondary.url: 'ftp://x' is not an address; write http://host:port/path",
        ),
        (
            "pagerduty: PDAN001, ",
            "",
            (
                "rotas.secondary: nobody in the directory has 'pagerduty' or 'email', so whoever is on call "
                "is unknown here; add them"
            ),
        ),
        (
            PAGERDUTY,
            "{kind: monthly}",
            "rotas.secondary.kind: unknown kind 'monthly'. Known: weekly, pagerduty, opsgenie",
        ),
        (
            "{monday: {start:",
            "{mon: {start:",
            (
                "calendars.office.hours.mon: unknown value 'mon'; did you mean 'monday'? Known: monday, "
                "tuesday, wednesday, thursday, friday, saturday, sunday"
            ),
        ),
        (
            'end: "18:00"',
            'end: "08:00"',
            (
                "calendars.office.hours.monday: it ends before it begins; hours of a night are two days' "
                "hours, the first until 00:00"
            ),
        ),
        (
            "2026-12-25",
            "25 December",
            (
                "calendars.office.holidays[0]: '25 December' is not a day from 1970 to 2199; write it as "
                "2026-01-05"
            ),
        ),
    ],
)
def test_what_cannot_be_is_told_with_what_would_be_right(was: str, becomes: str, problem: str) -> None:
    text = TEXT.replace(WEEKLY, OVERRIDDEN)
    assert refused(was, becomes, text) == [problem]
