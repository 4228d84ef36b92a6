"""Communications: each can begin and end, is read by whom it should be, and its words are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import get_args

from backout.authority import named
from backout.communications import IN_ORDER, Communication, End
from backout.errors import BackoutError
from backout.lint_votes import may_approve
from backout.model import format_duration as written
from backout.notice_facts import Stage
from backout.notice_samples import sample
from backout.notice_text import drafted
from backout.playbook import Playbook
from backout.problems import Path, Problem
from backout.requests import DraftNotice
from backout.site import Site
from backout.steps import NotifyStep

SHORTEST_WITHIN = timedelta(minutes=1)
"""Nobody writes, reads and sends a message in less."""
SHORTEST_EVERY = timedelta(minutes=5)
"""An audience that is told more often stops reading, and an incident has room for so many notices only."""
OUTSIDE = frozenset({"customers", "users", "affected-users", "public"})
"""Audiences to whom nothing should be said that nobody has read."""
_COMES_BY = {"reverting": "revert", "reverted": "revert", "verified": "verify"}
"""The kind of step that brings it about; who acknowledges needs none."""


def communication_problems(
    playbook: Playbook, templates: Mapping[str, str], site: Site | None
) -> Iterator[Problem]:
    """Yield communications that could never be sent, would never end, or are broken when they are needed."""
    for i, told in enumerate(playbook.communications):
        path: Path = ("communications", i)
        yield from _course(path, told, playbook)
        yield from _lengths(path, told)
        yield from _votes(path, told, playbook, site)
    yield from _broken(playbook, templates)
    yield from _told_twice(playbook)


def _course(path: Path, told: Communication, playbook: Playbook) -> Iterator[Problem]:
    later = [end for end in get_args(End) if IN_ORDER.index(end) > IN_ORDER.index(told.after)]
    if told.until not in later:
        msg = f"it ends before it begins: it comes after '{told.after}'; write {' or '.join(later)}"
        yield Problem(path=(*path, "until"), message=msg)
    kinds = {step.step for step in playbook.steps}
    for field, name in (("after", told.after), ("until", told.until)):
        needed = _COMES_BY.get(name)
        if needed and needed not in kinds:
            msg = f"'{name}' never comes: there is no {needed} step; add one, or choose another moment"
            yield Problem(path=(*path, field), message=msg)


def _lengths(path: Path, told: Communication) -> Iterator[Problem]:
    if told.within < SHORTEST_WITHIN:
        msg = f"nobody writes and sends a message within {written(told.within)}; lengthen it"
        yield Problem(path=(*path, "within"), message=msg)
    if told.every and told.every < SHORTEST_EVERY:
        msg = f"nobody reads a message every {written(told.every)}; write {written(SHORTEST_EVERY)} or more"
        yield Problem(path=(*path, "every"), message=msg)


def _votes(path: Path, told: Communication, playbook: Playbook, site: Site | None) -> Iterator[Problem]:
    if not told.needs_approval and told.audience in OUTSIDE:
        msg = f"nobody reads it before {told.audience} do; write 'needs_approval: true'"
        yield Problem(path=(*path, "audience"), message=msg, severity="warning")
    yield from may_approve((*path, "approve_by"), told.approve_by, playbook)
    if site is None or not told.needs_approval:
        return
    roles = named(told.approve_by, told.required, playbook)
    people = sorted({person for role in roles for person in site.members(role)})
    if len(people) < told.quorum and all(role in playbook.roles for role in roles):
        msg = (
            f"a quorum of {told.quorum} needs as many distinct people, but {len(people)} can approve "
            f"({', '.join(people) or 'nobody'}); lower it, or give {' or '.join(roles)} to more people"
        )
        yield Problem(path=(*path, "quorum"), message=msg)


def _broken(playbook: Playbook, templates: Mapping[str, str]) -> Iterator[Problem]:
    """Yield the notices that cannot be rendered: each is tried at every stage, before the night."""
    for path, template, audience in _notices(playbook):
        if f"notices/{template}.md.j2" not in templates:
            continue  # told as an unknown name
        for stage in Stage:
            request = DraftNotice(template=template, audience=audience, facts=sample(playbook, stage))
            try:
                notice = drafted(request, templates)
            except BackoutError as error:
                yield Problem(path=(*path, "template"), message=f"at stage '{stage}': {error}")
                break
            if not notice.title or not notice.text:
                lacks = "text" if notice.title else "title"
                msg = f"at stage '{stage}' it has no {lacks}; write '# ' and a title, and the text below it"
                yield Problem(path=(*path, "template"), message=msg)
                break


def _notices(playbook: Playbook) -> Iterator[tuple[Path, str, str]]:
    for i, told in enumerate(playbook.communications):
        yield ("communications", i), told.template, told.audience
    for i, step in enumerate(playbook.steps):
        if isinstance(step, NotifyStep):
            yield ("steps", i), step.template, step.audience


def _told_twice(playbook: Playbook) -> Iterator[Problem]:
    """Warn of an audience that both a step and the clock tell: it would hear the same thing twice."""
    by_steps = {step.audience for step in playbook.steps if isinstance(step, NotifyStep)}
    for i, told in enumerate(playbook.communications):
        if told.audience in by_steps:
            msg = f"a notify step tells {told.audience} too; let one of the two do it"
            yield Problem(path=("communications", i, "audience"), message=msg, severity="warning")
