"""Sight: how far one observation of a release has come, and whether it has something to say."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from math import ceil

from activities.looking import Past
from backout import triggers
from backout.alerts import Alert
from backout.counting import Look
from backout.evaluation import Evaluation, Outcome
from backout.requests import Observation, Observe
from backout.transitions import turned, untold
from backout.watch import Watch

MOST_READINGS = 120
"""breach: so many of the newest readings show whether all is clear; they travel in every heartbeat."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Sight:
    """One observation: it takes look after look, and knows when the next is due and when it is over."""

    def __init__(self, request: Observe, attempt: Watch | None, *, now: datetime) -> None:
        """Begin, or go on where an earlier attempt at the same observation, or another one, came to."""
        self._request = request
        self._guard = request.guard
        self._said: Evaluation | None = None
        self._is_told = False
        if attempt is None:
            begun = request.resume or Watch(started_at=now)
            attempt = begun.model_copy(update={"until": now + request.lasting})
        self.watch = self.left = attempt
        """`left` is what another attempt goes on from. It has no news: they might never have been told."""
        self._until = attempt.until or attempt.started_at + request.lasting
        self.looked = asyncio.Event()
        """Set by every look."""

    @property
    def remembers(self) -> timedelta | None:
        """How much history is to be weighed first; None where that is done, or not asked for."""
        return self._request.look_back if self.watch.ticks == 0 else None

    def pause(self, *, now: datetime) -> timedelta:
        """Return how long it is to the next look.

        The watches of releases look at whole multiples of their tick, so that many ask together.
        """
        tick = self._request.tick
        if self._request.sense == "watch":
            due = now + tick - (now - _EPOCH) % tick
        else:
            due = now if self.watch.at is None else self.watch.at + tick
        return max(min(due, self._until) - now, timedelta(0))

    def is_over(self, *, now: datetime) -> bool:
        """Say whether there is something to tell, or the time is over; never before the first look."""
        return self._said is not None and (self._is_told or now >= self._until)

    def observation(self) -> Observation:
        """Return what it came to."""
        said = self._said or Evaluation(
            outcome=Outcome.INCONCLUSIVE, reasons=("the signals were not looked at yet",)
        )
        return Observation(
            evaluation=said,
            ticks=self.watch.ticks,
            watch=None if self._request.sense == "recovery" else self.watch,
        )

    def take(self, look: Look, not_counted: tuple[str, ...] = ()) -> None:
        """Weigh one look."""
        watch, said = self._weighed(self.watch, look, self._request.firing)
        match self._request.sense:
            case "breach":
                self._is_told = self._asks(said)
            case "recovery":
                whole_window = watch.ticks > self._request.window / self._request.tick
                self._is_told = said.outcome is Outcome.CLEAR and whole_window
            case "watch":
                watch, self._is_told = turned(watch, said)
        self.watch = watch
        self.left = self.left if self._is_told else watch
        self._said = _noted(said, (*watch.not_counted, *not_counted))
        self.looked.set()

    async def recall(self, past: Past) -> None:
        """Weigh the past, as if it had been watched.

        Nobody was told of what fired then: a rule counts only where it would fire at the end of it too. What
        was blind then says nothing of now.
        """
        watch = self.watch
        if past.looks:
            watch = watch.model_copy(update={"started_at": past.looks[0].at})
        said: Evaluation | None = None
        for number, look in enumerate(past.looks, 1):
            is_last = number == len(past.looks)
            watch, said = self._weighed(untold(watch), look, self._request.firing if is_last else ())
            await asyncio.sleep(0)  # heartbeats go on
        tracks = {key: track.model_copy(update={"silent": 0}) for key, track in watch.tracks.items()}
        self.watch = watch.model_copy(update={"tracks": tracks, "not_counted": past.not_counted})
        if said and said.outcome is Outcome.FIRED:
            self._said, self._is_told = _noted(said, past.not_counted), True
        else:
            self.left = self.watch

    def _weighed(self, watch: Watch, look: Look, firing: tuple[Alert, ...]) -> tuple[Watch, Evaluation]:
        request, guard = self._request, self._guard
        keep = max(1, ceil(request.window / request.tick))
        if request.sense == "breach":
            keep = min(keep, MOST_READINGS)
        if request.sense == "recovery":
            watch = triggers.advance(watch, look, guard=guard, keep=keep)
            said = triggers.recovery(watch, guard=guard, withdrawn=request.withdrawn)
            troubles = dict.fromkeys(look.problems.values())
            return watch, said.model_copy(update={"reasons": (*said.reasons, *troubles)})
        return triggers.tick(
            watch,
            look,
            guard=guard,
            firing=firing,
            judged=request.judged,
            answered=request.answered,
            keep=keep,
        )

    def _asks(self, said: Evaluation) -> bool:
        """Say whether a rule fired, or blindness asks for people who were not asked yet."""
        if said.outcome is Outcome.FIRED:
            return True
        return any(
            blind.do != "report" and f"blind:{blind.source}" not in self._request.answered
            for blind in said.blind
        )


def _noted(said: Evaluation, not_counted: tuple[str, ...]) -> Evaluation:
    return said.model_copy(update={"not_counted": (*said.not_counted, *not_counted)}) if not_counted else said
