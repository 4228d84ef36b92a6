"""Rights over releases, outside of any incident: who may lift a quarantine, for example."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backout.errors import ActionRefused
from backout.people import Actor, Person, ReleaseRight
from backout.playbook import Playbook


def right_of(
    actor: Actor,
    right: ReleaseRight,
    *,
    service: str,
    playbooks: Iterable[Playbook],
    people: Mapping[str, Person],
) -> str:
    """Return the role by which a person has a right; `playbooks` are those that guard the service.

    Raises:
        ActionRefused: they have it not; it says who has.
    """
    holders = tuple(dict.fromkeys(name for one in playbooks for name in one.holders(right)))
    held = next((name for name in holders if name in actor.roles), None)
    if held is not None:
        return held
    who = " or ".join(holders)
    if not who:
        reason = f"no role of the playbooks of {service} may {right.value}: give one the right, under 'roles'"
        raise ActionRefused(reason=reason)
    named = ", ".join(one.name for one in people.values() if set(holders) & set(one.roles)) or "nobody"
    mine = ", ".join(actor.roles) or "none"
    reason = f"only {who} may {right.value} for {service} ({named}); the roles of {actor.name} are: {mine}"
    raise ActionRefused(reason=reason)
