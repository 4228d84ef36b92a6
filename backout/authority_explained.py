"""Authority, explained: may this person do this in this incident now, and why, by the very same decision."""

from __future__ import annotations

from datetime import datetime

from backout.acting import actor as acting
from backout.authority import Refused, decide, rights
from backout.consents import question as consent
from backout.model import Frozen
from backout.people import AUTHORISES, Act, Action, Actor
from backout.playbook import Playbook
from backout.severity import Severity
from backout.site import Site
from backout.view import Ask, IncidentView
from backout.votes import counted, lacking, meant, shipped


class Holder(Frozen):
    """A role that holds the right, and who fills it at that moment."""

    role: str
    people: tuple[str, ...]
    """Names; a deputy is named as one."""
    counts_now: bool
    """Whether its answer counts for what waits now."""


class Waiting(Frozen):
    """What waits for such an act."""

    what: str
    code: str
    roles: tuple[str, ...]
    approved_by: tuple[str, ...]
    quorum: int
    lacks: str
    """What its approvals still lack."""
    until: datetime | None


class Explanation(Frozen):
    """Whether somebody may do something in an incident now, and why."""

    incident: str
    who: Actor
    action: Action
    allowed: bool
    why: str
    """The role that carries the right, or the reason of the refusal as the incident would give it."""
    then: str
    """What it would come to, where it is allowed and that is known."""
    holders: tuple[Holder, ...]
    waiting: tuple[Waiting, ...]
    stands: str
    """Where the incident stands."""
    shipped_by: str
    """Who shipped the release, as the registry knows them; empty where it knows nobody."""
    is_shipper: bool
    ways: tuple[str, ...]
    """How it could be authorised without this person."""


def explain(
    view: IncidentView, actor: Actor, action: Action, *, site: Site, at: datetime, code: str = ""
) -> Explanation:
    """Return what the incident would answer if this person did this now, with everything that bears on it."""
    roles = rights(view.playbook)
    act = _supposed(view, actor, action, code)
    answer = decide(act, view, roles)
    refused = isinstance(answer, Refused)
    asked = meant(action, act.subject, view.asks)
    counting = asked.roles if asked and action in {Action.APPROVE, Action.REJECT} else ()
    return Explanation(
        incident=view.summary.incident,
        who=actor,
        action=action,
        allowed=not refused,
        why=answer.reason if isinstance(answer, Refused) else f"by the right of {answer.right}",
        then="" if refused else _comes_to(view, act, asked if isinstance(asked, Ask) else None, at),
        holders=tuple(
            Holder(role=name, people=_people(site, name, at), counts_now=not counting or name in counting)
            for name, role in roles.items()
            if action in role.may
        ),
        waiting=tuple(_waiting(ask, site) for ask in view.asks if action in ask.actions),
        stands=_stands(view),
        shipped_by=view.shipped_by,
        is_shipper=shipped(actor, view.shipped_by),
        ways=_ways(view, site, at) if refused and action in AUTHORISES else (),
    )


def _supposed(view: IncidentView, actor: Actor, action: Action, code: str) -> Act:
    """Return the act as a person would do it who says everything that it takes."""
    waiting = [ask for ask in view.asks if action in ask.actions]
    items = [n for ask in waiting for n in range(1, len(ask.items) + 1) if n not in ask.ticked]
    asked = next((one for one in view.questions if set(one.roles) & set(actor.roles)), None)
    asked = asked or next(iter(view.questions), None)
    return Act(
        id="supposed",
        action=action,
        actor=actor,
        reason="supposed",
        subject=code or (waiting[0].subject if len(waiting) == 1 else None),
        item=next(iter(items), None),
        judgment=asked.judgment if asked else "",
        answer=next(iter(asked.answers)) if asked else "",
        severity=next(one for one in Severity if one is not view.summary.severity),
    )


def _comes_to(view: IncidentView, act: Act, asked: Ask | None, at: datetime) -> str:
    if asked and act.action in AUTHORISES:
        return counted(asked, act).text
    roles = view.playbook.consents.get(act.action, ())
    waits = consent(act, roles, until=at, shipped_by=view.shipped_by) if roles else None
    return f"it takes effect only once {' and '.join(roles)} consented" if waits else ""


def _people(site: Site, role: str, at: datetime) -> tuple[str, ...]:
    """Return who fills a role at that moment, deputies and members of Slack's user groups named as such."""
    found = []
    for key, person in site.people.items():
        if role in person.roles:
            found.append(person.name)
        elif role in (now := acting(site, key, via="", at=at)).roles:
            found.append(f"{person.name}, deputy of {' and '.join(now.deputy_of)}")
    groups = site.gateway.slack.groups if site.gateway.slack else {}
    return (*found, *(f"Slack's user group {group}" for group, fills in groups.items() if fills == role))


def _waiting(ask: Ask, site: Site) -> Waiting:
    known = {key: person.name for key, person in site.people.items()}
    return Waiting(
        what=ask.headline,
        code=ask.code,
        roles=ask.roles,
        # Who voted may have left the directory since; the key still says who it was.
        approved_by=tuple(known.get(key, key) for key in ask.approved_by),
        quorum=ask.quorum,
        lacks=lacking(ask) if ask.quorum else "",
        until=ask.until,
    )


def _stands(view: IncidentView) -> str:
    held = f", held: {view.held}" if view.held else ""
    step = f", step {view.step}" if view.step else ""
    return f"{view.summary.phase.value}, {view.summary.outcome.value}{step}{held}"


def _ways(view: IncidentView, site: Site, at: datetime) -> tuple[str, ...]:
    """Return the ways past a quorum that this playbook has."""
    playbook: Playbook = view.playbook
    overriding = playbook.holders(Action.OVERRIDE)
    people = dict.fromkeys(one for name in overriding for one in _people(site, name, at))
    found = [f"override: {' or '.join(overriding)} ({', '.join(people) or 'nobody'})"] if overriding else []
    if playbook.break_glass:
        roles = playbook.break_glass.roles
        told = "; ".join(f"{name}: {', '.join(_people(site, name, at)) or 'nobody'}" for name in roles)
        found.append(f"break-glass: two people in two of these roles ({told})")
    return tuple(found)
