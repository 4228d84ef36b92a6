"""Votes: whatever takes approvals, consents or two hands on the glass, enough people can give them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from backout.authority import named
from backout.consents import CAN_WAIT
from backout.lint_steps import NEVER_OF_SILENCE
from backout.model import format_duration as written
from backout.people import Action
from backout.playbook import Playbook
from backout.problems import Path, Problem
from backout.rules import Do, Rule
from backout.severity import Severity
from backout.site import Site
from backout.steps import NotifyStep, RevertStep
from backout.votes import GLASS_TAKES, roles_filled

SHORTEST_WARNING = timedelta(seconds=10)
"""Nobody reads an announcement and holds a revert in less."""
_NOT_PUT_OFF = {
    Action.APPROVE: "name the roles under 'required' of what is approved",
    Action.OVERRIDE: "who overrides needs nobody; take the right from the role",
    Action.BREAK_GLASS: "it takes two people already; name their roles under break_glass.roles",
}
"""What to do where these are put under the consent of others; everything else stops or tells something."""


def vote_problems(playbook: Playbook, site: Site | None) -> Iterator[Problem]:
    """Yield votes that nobody could win, and ways past them that lead nowhere."""
    for path, required in _required(playbook):
        yield from _voters(path, required, playbook, site)
    for i, rule in enumerate(playbook.rules):
        yield from _veto_window(("rules", i, "veto_window"), rule, playbook)
    for i, step in enumerate(playbook.steps):
        if isinstance(step, NotifyStep) and step.needs_approval:
            yield from _notice(("steps", i), step, playbook, site)
    yield from _consents(playbook)
    yield from _glass(playbook, site)
    yield from _approvals(playbook)


def _required(playbook: Playbook) -> Iterator[tuple[Path, tuple[str, ...]]]:
    for i, rule in enumerate(playbook.rules):
        yield ("rules", i, "required"), rule.required
    for i, step in enumerate(playbook.steps):
        if isinstance(step, NotifyStep):
            yield ("steps", i, "required"), step.required
    for i, told in enumerate(playbook.communications):
        yield ("communications", i, "required"), told.required
    for action, roles in playbook.consents.items():
        yield ("consents", action.value), roles


def _voters(
    path: Path, required: tuple[str, ...], playbook: Playbook, site: Site | None
) -> Iterator[Problem]:
    """Yield required roles that may not approve, stand there twice, or are not filled by distinct people."""
    for i, role in enumerate(required):
        if role in required[:i]:
            yield Problem(path=(*path, i), message=f"role '{role}' stands there twice; delete one")
    yield from may_approve(path, required, playbook)
    if site and _known(required, playbook):
        filled = _filled(required, site)
        if filled < len(set(required)) and all(site.members(role) for role in required):
            msg = (
                f"each of {', '.join(required)} takes another person, but the people who fill them are only "
                f"enough for {filled}; give a role to more people"
            )
            yield Problem(path=path, message=msg)


def may_approve(path: Path, roles: tuple[str, ...], playbook: Playbook) -> Iterator[Problem]:
    """Yield the roles at this place that may not approve."""
    for i, role in enumerate(roles):
        if role in playbook.roles and Action.APPROVE not in playbook.roles[role].may:
            msg = f"role '{role}' may not approve; add the right under roles.{role}.may, or name another role"
            yield Problem(path=(*path, i), message=msg)


def _known(roles: tuple[str, ...], playbook: Playbook) -> bool:
    """Say whether these are roles at all; one that is not is told as such, and only once."""
    return all(role in playbook.roles for role in roles)


def _filled(roles: tuple[str, ...], site: Site) -> int:
    """Return how many of these roles people fill at most, where each of them fills only one."""
    return roles_filled([[role for role in person.roles if role in roles] for person in site.people.values()])


def _veto_window(path: Path, rule: Rule, playbook: Playbook) -> Iterator[Problem]:
    if rule.veto_window is None:
        return
    if rule.do is not Do.REVERT or rule.authority != "auto":
        msg = "only a revert that begins by itself is announced; write 'authority: auto' or leave this out"
        yield Problem(path=path, message=msg)
    elif rule.veto_window < SHORTEST_WARNING:
        msg = f"nobody reads it and holds within {written(rule.veto_window)}; lengthen it, or leave it out"
        yield Problem(path=path, message=msg, severity="warning")
    windows = [step.within for step in playbook.steps if isinstance(step, RevertStep)]
    if windows and rule.veto_window >= min(windows):
        msg = (
            f"the revert step ends after {written(min(windows))}, before these {written(rule.veto_window)} "
            "are over; shorten this or lengthen the step's within"
        )
        yield Problem(path=path, message=msg)


def _notice(path: Path, step: NotifyStep, playbook: Playbook, site: Site | None) -> Iterator[Problem]:
    yield from may_approve((*path, "approve_by"), step.approve_by, playbook)
    if site is None:
        return
    roles = named(step.approve_by, step.required, playbook)
    people = sorted({person for role in roles for person in site.members(role)})
    if len(people) < step.quorum and _known(roles, playbook):
        msg = (
            f"a quorum of {step.quorum} needs as many distinct people, but {len(people)} can approve "
            f"({', '.join(people) or 'nobody'}); lower it, or give {' or '.join(roles)} to more people"
        )
        yield Problem(path=(*path, "quorum"), message=msg)


def _consents(playbook: Playbook) -> Iterator[Problem]:
    for action, roles in playbook.consents.items():
        path = ("consents", action.value)
        if action not in CAN_WAIT:
            hint = _NOT_PUT_OFF.get(action, "it must take effect at once; leave it out")
            known = ", ".join(sorted(CAN_WAIT))
            msg = f"'{action}' waits for nobody's consent: {hint}. Those that can wait: {known}"
            yield Problem(path=path, message=msg, on_key=True)
        elif not playbook.holders(action):
            msg = f"no role has the right '{action}', so nobody asks for consent; give it, or leave this out"
            yield Problem(path=path, message=msg, severity="warning", on_key=True)
        if not roles:
            yield Problem(path=path, message="name the roles that must consent, or leave it out")


def _glass(playbook: Playbook, site: Site | None) -> Iterator[Problem]:
    for name, role in playbook.roles.items():
        if Action.BREAK_GLASS in role.may:
            place = ("roles", name, "may", role.may.index(Action.BREAK_GLASS))
            msg = "who may break the glass stands under break_glass.roles alone; name the role there"
            yield Problem(path=place, message=msg)
    glass = playbook.break_glass
    if glass is None:
        return
    if len(set(glass.roles)) < GLASS_TAKES:
        yield Problem(path=("break_glass", "roles"), message="it takes two distinct roles; name another one")
    elif site and _known(glass.roles, playbook) and _filled(glass.roles, site) < GLASS_TAKES:
        msg = f"it takes two people in two of {', '.join(glass.roles)}; give them to more people"
        yield Problem(path=("break_glass", "roles"), message=msg)


def _approvals(playbook: Playbook) -> Iterator[Problem]:
    windows = [step.within for step in playbook.steps if isinstance(step, RevertStep)]
    for severity, usual in playbook.approvals.items():
        path = ("approvals", severity.value)
        if windows and usual.within >= min(windows):
            msg = (
                f"the revert step ends after {written(min(windows))}, before these {written(usual.within)} "
                "are over; shorten this or lengthen the step's within"
            )
            yield Problem(path=(*path, "within"), message=msg)
        if why := NEVER_OF_SILENCE.get(usual.on_timeout):
            msg = f"an approval cannot {usual.on_timeout}: {why}. Choose one of escalate, hold, retry, abort"
            yield Problem(path=(*path, "on_timeout"), message=msg)
        yield from _unreachable(path, severity, playbook)


def _unreachable(path: Path, severity: Severity, playbook: Playbook) -> Iterator[Problem]:
    if severity is not playbook.severity and not playbook.holders(Action.SEVERITY):
        msg = (
            f"the severity is {playbook.severity.value}, and no role may change it, so this never holds; "
            "give 'severity' to a role"
        )
        yield Problem(path=path, message=msg, severity="warning", on_key=True)
