"""Escalation policies: whom they call is known, somebody of them can answer, and no hour is forgotten."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from backout.escalation import Level, Policy
from backout.model import format_duration as written
from backout.people import Action
from backout.playbook import Playbook
from backout.problems import Path, Problem, unknown
from backout.rotas import WeeklyRota
from backout.rules import Do
from backout.site import Site
from backout.steps import EscalateStep


def escalation_problems(playbook: Playbook, site: Site | None) -> Iterator[Problem]:
    """Yield what is wrong with the policies; without a site, what only a site can show is not asked."""
    for name, policy in playbook.escalation.items():
        path: Path = ("escalation", name)
        for i, level in enumerate(policy.levels):
            yield from _named_twice((*path, "levels", i), level, playbook)
            yield from _at_site((*path, "levels", i), level, site) if site else ()
        if not _may_answer(policy, playbook, site):
            msg = f"nobody whom '{name}' pages may acknowledge, so none could answer; page another role"
            yield Problem(path=path, message=msg, on_key=True)
        yield from _hours(path, policy)
        yield from _repage(path, policy)
        yield from _silence(path, name, policy, playbook)


def _named_twice(path: Path, level: Level, playbook: Playbook) -> Iterator[Problem]:
    for field in ("page", "people", "rotas", "via"):
        names: tuple[str, ...] = getattr(level, field)
        for i, name in enumerate(names):
            if name in names[:i]:
                yield Problem(path=(*path, field, i), message=f"'{name}' stands here already; delete it")
    for i, channel in enumerate(level.via):
        if channel == playbook.channel:
            msg = f"'{channel}' is the playbook's channel, where every page is posted anyway; leave it out"
            yield Problem(path=(*path, "via", i), message=msg)


def _at_site(path: Path, level: Level, site: Site) -> Iterator[Problem]:
    uses: tuple[tuple[str, str, Collection[str]], ...] = (
        ("people", "person of the site", site.people),
        ("rotas", "rota of the site", site.rotas),
        ("via", "channel of the site", site.channels),
    )
    for field, kind, known in uses:
        for i, name in enumerate(getattr(level, field)):
            if name not in known:
                yield Problem(path=(*path, field, i), message=unknown(kind, name, known))
    for field in ("hours", "off_hours"):
        calendar = getattr(level, field)
        if calendar is not None and calendar not in site.calendars:
            message = unknown("calendar of the site", calendar, site.calendars)
            yield Problem(path=(*path, field), message=message)


def _may_answer(policy: Policy, playbook: Playbook, site: Site | None) -> bool:
    """Say whether somebody whom the policy calls may acknowledge; yes too where that cannot be known."""
    named = {role for level in policy.levels for role in level.page}
    roles = set(playbook.holders(Action.ACKNOWLEDGE))
    if named & roles or named - set(playbook.roles):
        return True
    if all(not (level.people or level.rotas) for level in policy.levels):
        return False
    called = _people(policy, site) if site else None
    if site is None or called is None:
        return True
    return any(roles & set(site.people[key].roles) for key in called if key in site.people)


def _people(policy: Policy, site: Site) -> set[str] | None:
    """Return whom the policy may call by name and rota; None where only another system knows it."""
    found = {key for level in policy.levels for key in level.people}
    for name in (rota for level in policy.levels for rota in level.rotas):
        rota = site.rotas.get(name)
        if not isinstance(rota, WeeklyRota):
            return None
        found |= {*rota.people, *(one.person for one in rota.overrides)}
    return found


def _hours(path: Path, policy: Policy) -> Iterator[Problem]:
    """Warn where some hours have no level at all."""
    inside = {level.hours for level in policy.levels}
    outside = {level.off_hours for level in policy.levels}
    always = any(not (level.hours or level.off_hours) for level in policy.levels)
    if not always and not (inside - {None}) & outside:
        msg = (
            "every level is for some hours only, so there may be hours at which nobody is called; add a level"
        )
        yield Problem(path=path, message=msg, severity="warning", on_key=True)


def _repage(path: Path, policy: Policy) -> Iterator[Problem]:
    if policy.repage is not None and policy.repage < policy.levels[0].wait:
        wait = written(policy.levels[0].wait)
        msg = f"who acknowledged has less time than the first level has to answer ({wait}); lengthen it"
        yield Problem(path=(*path, "repage"), message=msg, severity="warning")


def _silence(path: Path, name: str, policy: Policy, playbook: Playbook) -> Iterator[Problem]:
    """Warn where nothing follows when nobody answers: no step waits for the ladder."""
    if policy.unanswered is not None:
        return
    climbed = any(isinstance(step, EscalateStep) and step.policy == name for step in playbook.steps)
    beside = [rule.id for rule in playbook.rules if rule.do is Do.REVERT and rule.authority == "auto"]
    if climbed and (beside or policy.repage):
        when = f"rule '{beside[0]}' reverts by itself" if beside else "it pages again who owns the incident"
        msg = (
            f"{when}, so no step waits for this ladder, and nothing follows where nobody answers it; write "
            "'unanswered', such as 'unanswered: proceed' where that is meant"
        )
        yield Problem(path=path, message=msg, severity="warning", on_key=True)
