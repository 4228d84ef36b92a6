"""Ask the service itself which release answers: before the revert, and until clients have caught up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from temporalio import activity

from activities.beating import beating
from activities.failures import told_to_temporal
from backout.errors import BackoutError, ConversationsUnseen, UnknownName
from backout.ports import Clock, Probe, Target
from backout.probes import Way
from backout.release_sets import unseen
from backout.serving import (
    LAST_ROUNDS,
    AskServed,
    Heard,
    Opened,
    OpenSessions,
    Progress,
    SeeTo,
    Session,
    Trail,
    heard,
    mark,
    trails,
)
from backout.serving_verdicts import Served, judge

OPEN_S = 2.0
"""So long a session may take to begin: the first change waits for it."""


class ServingActivities:
    """The probes of the site, and what its targets can make of conversations."""

    def __init__(self, *, probes: Mapping[str, Probe], targets: Mapping[str, Target], clock: Clock) -> None:
        """Serve these probes and targets, by name."""
        self._probes = probes
        self._targets = targets
        self._clock = clock

    @activity.defn
    async def see_to_conversations(self, request: SeeTo) -> None:
        """See that one of the targets can do what the playbook wants of conversations; nothing is changed."""
        with told_to_temporal():
            can = {}
            for name in request.targets:
                if name not in self._targets:
                    raise UnknownName(kind="target", name=name, known=self._targets)
                can[name] = self._targets[name].conversations
            if (told := unseen(request.conversations, can)) is not None:
                raise ConversationsUnseen(conversations=request.conversations.value, can=told)

    @activity.defn
    async def open_sessions(self, request: OpenSessions) -> Opened:
        """Begin the conversations of every probe that knows sessions; one that fails hinders no other."""
        with told_to_temporal():
            ways = self._ways(request.probes)
            asked = [
                Trail(probe=probe, number=number)
                for probe, way in ways.items()
                if way.path == "session"
                for number in range(1, way.sessions + 1)
            ]
            found = await asyncio.gather(*(self._begin(request, trail) for trail in asked))
        return Opened(
            sessions=tuple(one for one in found if isinstance(one, Session)),
            problems=tuple(dict.fromkeys(one for one in found if isinstance(one, str))),
        )

    async def _begin(self, request: OpenSessions, trail: Trail) -> Session | str:
        name = mark(request.key, trail)
        try:
            async with asyncio.timeout(OPEN_S):
                said = await self._ask(trail, service=request.service, name=name, final=False)
        except TimeoutError:
            return f"{trail.probe}: no answer within {OPEN_S:g} s"
        if said.said is None or said.said.ended:
            return f"{trail.probe}: {said.problem or 'the service ended it at once'}"
        return Session(
            probe=trail.probe,
            number=trail.number,
            release=said.said.release,
            began=said.at,
            cookies=said.said.cookies,
        )

    @activity.defn
    async def ask_served(self, request: AskServed) -> Served:
        """Ask every user of every probe until the lag is over, and a few times more; then judge.

        How far it is travels in the heartbeat, cookies too: another worker goes on with the same users.
        """
        with told_to_temporal():
            ways = self._ways(request.probes)
            state = _resumed() or _beginning(request, ways, now=self._clock.now())
            async with beating(lambda: (state,)):
                while state.final < LAST_ROUNDS:
                    state = await self._round(request, ways, state)
                    activity.heartbeat(state)
                    if state.final < LAST_ROUNDS:
                        await self._clock.sleep(duration=self._pause(request, state))
            return judge(request, ways, state)

    def _pause(self, request: AskServed, state: Progress) -> timedelta:
        """Return the pause before the next round: the first one after the lag is right after it."""
        left = state.until - self._clock.now()
        usual = timedelta(seconds=request.pause_s)
        return left if timedelta() < left < usual else usual

    async def _round(self, request: AskServed, ways: Mapping[str, Way], state: Progress) -> Progress:
        final = self._clock.now() >= state.until
        asked = await asyncio.gather(
            *(
                self._ask(
                    trail,
                    service=request.service,
                    name=mark(request.key, trail, nth=trail.asked),
                    final=final,
                )
                for trail in state.trails
            )
        )
        return Progress(
            until=state.until,
            final=state.final + final,
            trails=_all_heard(request, ways, state.trails, asked),
        )

    async def _ask(self, trail: Trail, *, service: str, name: str, final: bool) -> Heard:
        probe = self._probes[trail.probe]
        try:
            said = await probe.ask(service=service, session=name, cookies=trail.cookies)
        except BackoutError as error:
            return Heard(problem=str(error), at=self._clock.now(), final=final)
        return Heard(said=said, at=self._clock.now(), final=final)

    def _ways(self, names: Sequence[str]) -> dict[str, Way]:
        for name in names:
            if name not in self._probes:
                raise UnknownName(kind="probe", name=name, known=self._probes)
        return {name: self._probes[name].way for name in names}


def _resumed() -> Progress | None:
    """Return how far an earlier attempt came."""
    details = activity.info().heartbeat_details
    return Progress.model_validate(details[0]) if details else None


def _beginning(request: AskServed, ways: Mapping[str, Way], *, now: datetime) -> Progress:
    return Progress(until=now + timedelta(seconds=request.lag_s), trails=trails(request, ways))


def _all_heard(
    request: AskServed, ways: Mapping[str, Way], asked: Sequence[Trail], said: Sequence[Heard]
) -> tuple[Trail, ...]:
    pairs = zip(asked, said, strict=True)
    return tuple(heard(trail, one, ways[trail.probe], request) for trail, one in pairs)
