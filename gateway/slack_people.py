"""Who somebody in Slack is: a person of the site's directory, with the roles of the file and of user groups.

A user group's members are remembered for `FRESH_S` seconds, so somebody who leaves a group keeps its role for
that long at most, and somebody who joins waits for it as long. What is older is asked again and never used: a
look-up that fails gives nobody a role. A person with roles in the site file acts with these alone then; one
without is refused, and told why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

from backout.commands import actor_of
from backout.errors import ActionRefused, BackoutError, GroupsUnanswered
from backout.people import Actor
from backout.ports import SlackCalls
from backout.site import Site

FRESH_S = 300.0
"""Seconds for which the members of a user group are remembered."""
ASK_S = 0.7
"""Seconds that a look-up may take: Slack wants its own answer within three."""
REST_S = 10.0
"""Seconds after a failed look-up before the group is asked again."""


@dataclass(frozen=True)
class _Members:
    """What is known of a group: its members, or why they are not known; and until when."""

    members: frozenset[str]
    why: str
    until: float


class Groups:
    """The members of the user groups that give roles."""

    def __init__(
        self, roles: Mapping[str, str], slack: SlackCalls, now: Callable[[], float] = monotonic
    ) -> None:
        """`roles` has the role of each group; `now` counts seconds."""
        self._roles = roles
        self._slack = slack
        self._now = now
        self._known: dict[str, _Members] = {}
        self._asking = asyncio.Lock()

    async def roles_of(self, member: str) -> tuple[tuple[str, ...], str]:
        """Return the roles that the groups give a member, and why they may be too few, or nothing."""
        if not self._roles:
            return (), ""
        # One asks, the others wait for what it learns: a storm of taps is one look-up.
        async with self._asking:
            known = dict(
                zip(self._roles, await asyncio.gather(*map(self._members, self._roles)), strict=True)
            )
        roles = tuple(self._roles[group] for group, found in known.items() if member in found.members)
        return roles, "; ".join(dict.fromkeys(found.why for found in known.values() if found.why))

    async def _members(self, group: str) -> _Members:
        known = self._known.get(group)
        if known is None or known.until <= self._now():
            self._known[group] = known = await self._asked(group)
        return known

    async def _asked(self, group: str) -> _Members:
        try:
            async with asyncio.timeout(ASK_S):
                members = await self._slack.members_of(group=group)
        except TimeoutError:
            return self._unknown(f"Slack did not answer within {ASK_S:g} s")
        except BackoutError as error:
            return self._unknown(str(error))
        return _Members(frozenset(members), "", self._now() + FRESH_S)

    def _unknown(self, why: str) -> _Members:
        return _Members(frozenset(), why.removesuffix("."), self._now() + REST_S)


@dataclass(frozen=True)
class Known:
    """Somebody, and what is not known of them."""

    actor: Actor
    doubt: str = ""
    """Why they may have more roles than are known now; empty where they have not."""

    @contextmanager
    def refused_in_doubt(self) -> Iterator[None]:
        """Say with a refusal that it may be for want of roles that Slack did not tell of."""
        try:
            yield
        except ActionRefused as error:
            if not self.doubt:
                raise
            reason = f"{error}. Slack's user groups, which give roles too, could not be asked: {self.doubt}."
            raise ActionRefused(reason=reason) from error


class SlackPeople:
    """The people of the site, as Slack knows them."""

    def __init__(self, site: Site, groups: Groups) -> None:
        """People are those of the site's directory; `groups` may give them roles beside their own."""
        self._site = site
        self._groups = groups

    async def who(self, member: str) -> Known:
        """Return the person behind a Slack member id, with the roles that they hold now.

        Raises:
            PersonUnknown: nobody in the directory has it.
            GroupsUnanswered: their roles come from user groups alone, and Slack does not say who is in them.
        """
        at = datetime.now(UTC)
        known = actor_of(member, self._site, at=at)
        roles, why = await self._groups.roles_of(member)
        if why and not known.roles and not roles:
            raise GroupsUnanswered(why=why)
        return Known(actor_of(member, self._site, at=at, more=roles), why)
