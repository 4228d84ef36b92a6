"""The checklist's part on decision rights: who may do what, and what a decision takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from backout.authority import rights
from backout.model import format_duration as written
from backout.people import NEEDS_REASON, Action, ReleaseRight
from backout.playbook import Playbook
from backout.rendering import escape_markdown as plain


def rights_lines(playbook: Playbook, people: Mapping[str, str]) -> Iterator[str]:
    """Yield who may do what, with the people of each role, and the ways past a quorum."""
    yield "## Who may do what"
    yield ""
    rows = ((role, people[role], plain(one.about) or "-") for role, one in playbook.roles.items())
    yield from table(("Role", "People", "For"), rows)
    yield from table(
        ("Right", *playbook.roles),
        (
            (action + (" (with a reason)" if action in NEEDS_REASON else ""), *_marks(playbook, action))
            for action in (*Action, *_over_releases(playbook))
        ),
    )
    yield from _decisions(playbook)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield a table in Markdown."""
    for row in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(row)} |"
    yield ""


def _over_releases(playbook: Playbook) -> Iterator[ReleaseRight]:
    """Yield the rights over releases that somebody has: a playbook may do without them."""
    yield from (right for right in ReleaseRight if playbook.holders(right))


def _marks(playbook: Playbook, action: Action | ReleaseRight) -> tuple[str, ...]:
    return tuple("yes" if action in role.may else "" for role in rights(playbook).values())


def _decisions(playbook: Playbook) -> Iterator[str]:
    """Yield what decisions take beside a right."""
    yield "- Nobody approves, overrides or breaks the glass for a release that they shipped."
    for severity, usual in playbook.approvals.items():
        yield (
            f"- Severity {severity.value}: approvals have {written(usual.within)} where a rule says nothing "
            f"else; silence means: {usual.on_timeout}."
        )
    for action, roles in playbook.consents.items():
        who = ", and by ".join(roles)
        yield f"- {action.value} takes effect only once consented to by {who}, each another person."
    if glass := playbook.break_glass:
        yield (
            f"- Break-glass: two people in two of {', '.join(glass.roles)} authorise what waits, each with a "
            f"reason. Called about it: {', '.join(glass.report)}."
        )
    yield ""
