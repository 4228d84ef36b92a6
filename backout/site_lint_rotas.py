"""What is wrong with the rotas of a site: people whom it does not know, systems that can name none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from backout.model import format_duration
from backout.problems import Path, Problem, unknown
from backout.rotas import OpsgenieRota, PagerDutyRota, WeeklyRota
from backout.site import Site

LONGEST_ASK = timedelta(seconds=4)
"""A page waits for its rotas for five seconds; one must have given up before that."""


def rota_problems(site: Site) -> Iterator[Problem]:
    """Yield what would leave a page without the person who is on call."""
    for name, rota in site.rotas.items():
        if isinstance(rota, WeeklyRota):
            yield from _people(("rotas", name), rota, site)
        else:
            yield from _system(("rotas", name), rota, site)


def _people(path: Path, rota: WeeklyRota, site: Site) -> Iterator[Problem]:
    named: list[tuple[Path, str]] = [((*path, "people", i), key) for i, key in enumerate(rota.people)]
    named += [((*path, "overrides", i, "person"), one.person) for i, one in enumerate(rota.overrides)]
    for place, key in named:
        if key not in site.people:
            yield Problem(path=place, message=unknown("person", key, site.people))


def _system(path: Path, rota: PagerDutyRota | OpsgenieRota, site: Site) -> Iterator[Problem]:
    if rota.timeout > LONGEST_ASK:
        msg = f"a page waits 5 s for its rotas; let this be {format_duration(LONGEST_ASK)} at most"
        yield Problem(path=(*path, "timeout"), message=msg)
    by_id = isinstance(rota, PagerDutyRota)
    if not any(person.email or (by_id and person.pagerduty) for person in site.people.values()):
        fields = "'pagerduty' or 'email'" if by_id else "'email'"
        msg = f"nobody in the directory has {fields}, so whoever is on call is unknown here; add them"
        yield Problem(path=path, message=msg, on_key=True)
