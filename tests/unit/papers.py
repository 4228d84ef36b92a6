"""Playbooks on paper, line by line."""

from __future__ import annotations

from backout.checklist import render
from backout.playbook import Playbook
from backout.yaml_text import load_playbook
from tests.unit.linted import LANGUAGE, SITE, TEXT

COMPLETE = load_playbook(TEXT, file="complete.yaml")
LANGUAGE_PLAYBOOK = load_playbook(LANGUAGE, file="language.yaml")
MEMBERS = {role: tuple(SITE.people[key].name for key in SITE.members(role)) for role in COMPLETE.roles}


def lines(playbook: Playbook = COMPLETE) -> list[str]:
    return render(playbook, members=MEMBERS).splitlines()


def under(heading: str, playbook: Playbook = COMPLETE) -> list[str]:
    """Return the lines below a heading, up to the next one."""
    everything = lines(playbook)
    start = everything.index(heading) + 1
    ends = (number for number, line in enumerate(everything) if number >= start and line.startswith("#"))
    return [line for line in everything[start : next(ends, None)] if line]
