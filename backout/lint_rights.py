"""Decision rights: whatever the flow asks of people, somebody may do, and enough of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backout.authority import approvers
from backout.people import Action, ReleaseRight
from backout.playbook import Playbook
from backout.problems import Path, Problem
from backout.rules import Do, Rule
from backout.site import Site
from backout.steps import ManualStep, NotifyStep, RevertStep

_ALWAYS = {
    Action.ACKNOWLEDGE: "nobody could own an incident and stop the paging",
    Action.APPROVE: "a revert that no rule has fired for could never be authorised",
    Action.REJECT: "nobody could refuse a plan",
    Action.HOLD: "nobody could stop the automation",
    Action.RESUME: "a held incident could never be released",
    Action.RETRY: "a failed step could never be run again",
    Action.SKIP: "a step that cannot work would block the playbook for ever",
    Action.ABORT: "nobody could stop the playbook where the world stands",
    Action.CLOSE: "a held incident could never be closed",
}
"""What people must be able to do in every incident, and what happens where nobody may."""
_OFFERED: Mapping[Action | ReleaseRight, str] = {
    Action.EMERGENCY: "nobody could take all exposure off at once",
    Action.COME_BACK: "where users recover at a stage nobody could bring exposure back up",
    ReleaseRight.LIFT: "what a revert quarantines nobody could release again",
}
"""What a revert offers people beside that, and what happens where nobody may take it."""


def right_problems(playbook: Playbook, site: Site | None) -> Iterator[Problem]:
    """Yield rights that are needed and held by nobody, and rules whose authority cannot work."""
    yield from _missing(playbook)
    yield from _offered(playbook)
    for i, rule in enumerate(playbook.rules):
        yield from _rule(("rules", i), rule, playbook)
        if site:
            yield from _quorum(("rules", i, "quorum"), rule, playbook, site)
    for i, veto in enumerate(playbook.vetoes):
        yield from _holders(("vetoes", i, "decide_by"), veto.decide_by, Action.APPROVE, playbook)
    for i, judgment in enumerate(playbook.judgments):
        yield from _holders(("judgments", i, "by"), judgment.by, Action.JUDGE, playbook)
    yield from _warnings(playbook)
    if site:
        for role in playbook.roles:
            if not site.members(role):
                msg = f"nobody fills the role '{role}'; give it to a person of the site file, or delete it"
                yield Problem(path=("roles", role), message=msg, on_key=True)


def _missing(playbook: Playbook) -> Iterator[Problem]:
    for path, action, why in _needed(playbook):
        if not playbook.holders(action):
            msg = f"no role may {action}: {why}; give '{action}' to one of {', '.join(playbook.roles)}"
            yield Problem(path=path, message=msg)


def _needed(playbook: Playbook) -> Iterator[tuple[Path, Action, str]]:
    for action, why in _ALWAYS.items():
        yield ("roles",), action, why
    for i, rule in enumerate(playbook.rules):
        if rule.do is Do.REVERT and rule.authority == "ack":
            yield (
                ("rules", i, "authority"),
                Action.ACKNOWLEDGE,
                "this rule waits for a person to own the incident",
            )
        if rule.do is Do.REVERT and rule.authority == "approve":
            yield ("rules", i, "authority"), Action.APPROVE, "this rule waits for an approval"
    for i, step in enumerate(playbook.steps):
        if isinstance(step, NotifyStep) and step.needs_approval:
            yield ("steps", i, "needs_approval"), Action.APPROVE, "this notice waits for an approval"
        if isinstance(step, ManualStep):
            yield ("steps", i, "items"), Action.TICK, "nobody could tick this checklist"


def _offered(playbook: Playbook) -> Iterator[Problem]:
    stages = {stage for step in playbook.steps if isinstance(step, RevertStep) for stage in step.stages}
    for right, why in _OFFERED.items():
        # Where all goes off at once there is no stage at which users could recover.
        is_offered = any(stages) if right is Action.COME_BACK else bool(stages)
        if is_offered and not playbook.holders(right):
            msg = f"no role may {right}: {why}; give '{right}' to one of {', '.join(playbook.roles)}"
            yield Problem(path=("roles",), message=msg, severity="warning")


def _rule(path: Path, rule: Rule, playbook: Playbook) -> Iterator[Problem]:
    for field in _idle(rule):
        if rule.do is Do.REVERT:
            why = (
                f"authority '{rule.authority}' asks for no approval; write 'authority: approve' or "
                "leave this out"
            )
        else:
            why = f"a rule with 'do: {rule.do}' asks nobody, so this means nothing; leave it out"
        yield Problem(path=(*path, field), message=why)
    yield from _holders((*path, "approve_by"), rule.approve_by, Action.APPROVE, playbook)


def _idle(rule: Rule) -> Iterator[str]:
    """Yield the fields of a rule that mean nothing to it."""
    if rule.do in {Do.HOLD, Do.PAGE} and rule.authority != "approve":
        yield "authority"
    if rule.do in {Do.HOLD, Do.PAGE} or (rule.do is Do.REVERT and rule.authority != "approve"):
        given = (
            ("approve_by", rule.approve_by),
            ("quorum", rule.quorum > 1),
            ("required", rule.required),
        )
        timed = (("approve_within", rule.approve_within), ("on_timeout", rule.on_timeout))
        yield from (field for field, value in (*given, *timed) if value)


def _holders(path: Path, roles: tuple[str, ...], action: Action, playbook: Playbook) -> Iterator[Problem]:
    for i, role in enumerate(roles):
        if role in playbook.roles and action not in playbook.roles[role].may:
            msg = (
                f"role '{role}' may not {action}; add the right under roles.{role}.may, or name another role"
            )
            yield Problem(path=(*path, i), message=msg)


def _quorum(path: Path, rule: Rule, playbook: Playbook, site: Site) -> Iterator[Problem]:
    if rule.do is not Do.REVERT or rule.authority != "approve":
        return
    roles = [role for role in approvers(rule, playbook) if role in playbook.roles]
    people = sorted({person for role in roles for person in site.members(role)})
    if len(people) < rule.quorum:
        msg = (
            f"a quorum of {rule.quorum} needs as many distinct people, but {len(people)} can approve "
            f"({', '.join(people) or 'nobody'}); lower it, or give {' or '.join(roles)} to more people"
        )
        yield Problem(path=path, message=msg)


def _warnings(playbook: Playbook) -> Iterator[Problem]:
    kinds = [step.step for step in playbook.steps]
    called = "escalate" in kinds[: kinds.index("revert")] if "revert" in kinds else True
    for i, rule in enumerate(playbook.rules):
        if rule.do is Do.REVERT and rule.authority != "auto" and not called:
            msg = f"'{rule.authority}' waits for people, but no escalate step before the revert calls them"
            yield Problem(path=("rules", i, "authority"), message=msg, severity="warning")
    for i, step in enumerate(playbook.steps):
        owner = playbook.roles.get(step.owner)
        if isinstance(step, ManualStep) and owner and Action.TICK not in owner.may:
            msg = f"its owner '{step.owner}' may not tick it"
            yield Problem(path=("steps", i, "owner"), message=msg, severity="warning")
