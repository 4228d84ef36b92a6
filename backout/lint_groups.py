"""What is wrong with the user groups that give roles: a role that no playbook has gives nobody anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backout.playbook import Playbook
from backout.problems import unknown
from backout.site import Site


def group_problems(site: Site, playbooks: Mapping[str, Playbook]) -> Iterator[str]:
    """Yield each group whose role is in no playbook of the site, with the roles that there are."""
    known = dict.fromkeys(role for playbook in playbooks.values() for role in playbook.roles)
    groups = site.gateway.slack.groups if site.gateway.slack else {}
    for group, role in groups.items():
        if role not in known:
            yield f"gateway.slack.groups.{group}: {unknown('role', role, known)}"
