"""Guarding: what the watch of a release remembers, and what each observation means to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from backout.causes import Cause, Owed, blind_name, causes_of, is_of_rule, moment
from backout.evaluation import Evaluation, Outcome
from backout.model import Frozen, Name
from backout.playbook import Playbook
from backout.releases import Transition, WatchState
from backout.requests import Observation
from backout.rules import Rearm
from backout.sightless import blind_line, blindness
from backout.watch import Watch

MOST_TRANSITIONS = 20
"""Transitions that a watch keeps; the engine's history has the others."""
MOST_CARRIED = 1_000_000
"""Bytes that go into a fresh history; the engine takes no input above two million."""
LASTING = timedelta(days=1)
"""How long one observation lasts where nothing changes."""
LASTING_UNEXPOSED = timedelta(hours=1)
"""How long it lasts while a source is blind without traffic: then the exposure is read again."""
UNSETTLED = timedelta(minutes=5)
"""How long it lasts while a rule was spared, or the exposure cannot be read: then it is read again."""
UNSEEN = timedelta(hours=1)
"""So long a release may be waited for; one with traffic whose sources still give no data calls people."""
FIRST_TICKS = 8
"""So many ticks the first one lasts, and the first after trouble: then it is known what is counted."""
SPARED = "the release has no traffic, so nobody was called"


class Guarded(Frozen):
    """What the watch of a release remembers. It goes along when a long history goes on in a fresh one."""

    since: datetime
    watch: Watch | None = None
    """The evidence at the last observation; the running one's is in its heartbeat."""
    counted: bool = False
    """There was data: from then on blindness is a change of mind."""
    transitions: tuple[Transition, ...] = ()
    """The newest ones."""
    called: dict[str, datetime] = {}
    """What people were called for: the last firing of each rule, and the sources that are blind now."""
    unexposed: bool = False
    """A source is blind or a rule was spared, and people were not called: the release had no traffic."""
    spared: tuple[Name, ...] = ()
    """Rules that fired without traffic: nobody was told, and with traffic they are armed again."""
    unread: str = ""
    """Why the exposure cannot be read; empty where it was read, or nobody wanted to know."""
    incident: str = ""
    trouble: str = ""
    """Why nothing can be observed; empty while something is."""
    troubles: int = 0
    """So many attempts in a row could not observe."""
    unseen: str = ""
    """Why nothing was counted yet; empty once something was."""
    owed: Owed | None = None
    """What people were to be called for, and could not be; None where they were."""
    retired: str = ""
    """Why; empty while it is guarded."""

    @property
    def troubled(self) -> str:
        """What it lacks to guard: something to observe by, data, the way to revert, or people."""
        owed = self.owed.line if self.owed else ""
        unread = f"the exposure cannot be read, so nothing could be reverted: {self.unread}"
        return "; ".join(
            one for one in (self.trouble, unread if self.unread else "", self.unseen, owed) if one
        )

    def heard(self, seen: Observation, *, now: datetime) -> Guarded:
        """Return what is remembered after an observation."""
        said, at = seen.evaluation, moment(seen, now)
        counted = self.counted or said.outcome is Outcome.FIRED or _has_counted(seen.watch)
        heard = {
            "watch": seen.watch or self.watch,
            "counted": counted,
            "transitions": self._noting(said, at=at) if counted and self._is_news(seen) else self.transitions,
            "trouble": "",
            "troubles": 0,
            "unseen": "" if counted else "; ".join(map(blind_line, said.blind)),
        }
        return self.model_copy(update=heard)

    def _is_news(self, seen: Observation) -> bool:
        """Say whether a transition was told: another one than the last, the first, or the end of trouble."""
        before, after = self.watch and self.watch.told, seen.watch and seen.watch.told
        is_first = not self.transitions or bool(self.trouble)
        return seen.evaluation.outcome is Outcome.FIRED or before != after or is_first

    def blinded(self, why: str, playbook: Playbook, *, now: datetime) -> Guarded:
        """Return what is remembered after nothing could be observed at all."""
        said = self.blind(why, playbook)
        is_news = self.counted and not self.trouble
        blinded = {
            "transitions": self._noting(said, at=now) if is_news else self.transitions,
            "trouble": why,
            "troubles": self.troubles + 1,
            "unseen": "",
        }
        return self.model_copy(update=blinded)

    def blind(self, why: str, playbook: Playbook) -> Evaluation:
        """Return the evaluation that says so: every source is blind."""
        since = self.watch.at if self.watch else None
        blind = tuple(blindness(playbook, since=since, why=why))
        return Evaluation(outcome=Outcome.INCONCLUSIVE, reasons=(why,), blind=blind)

    def _noting(self, said: Evaluation, *, at: datetime) -> tuple[Transition, ...]:
        return (*self.transitions, Transition(at=at, evaluation=said))[-MOST_TRANSITIONS:]

    def causes(self, seen: Observation, *, now: datetime) -> tuple[Cause, ...]:
        """Return for what people are to be called now, and were not called for yet."""
        began = seen.watch.started_at if seen.watch else self.since
        if not self.counted and moment(seen, now) - began < UNSEEN:
            return ()
        new = tuple(cause for cause in causes_of(seen, now) if self._is_new(cause))
        # A source that is still blind is new again; a rule fires only once.
        return (*self._owed_rules(new), *new)

    def _owed_rules(self, new: tuple[Cause, ...]) -> Iterator[Cause]:
        again = {cause.what for cause in new}
        for cause in self.owed.causes if self.owed else ():
            if cause.rule and cause.what not in again:
                yield cause

    def evidence(self, seen: Observation) -> Observation:
        """Return with what an incident begins: a firing that nobody was told of comes before what is now."""
        owed = self.owed.seen if self.owed else seen
        is_owed = owed.evaluation.outcome is Outcome.FIRED and seen.evaluation.outcome is not Outcome.FIRED
        return owed if is_owed else seen

    def _is_new(self, cause: Cause) -> bool:
        before = self.called.get(cause.what)
        # A blind source is one cause until it sees again; a rule fires again once it is armed.
        return before is None or (bool(cause.rule) and before != cause.since)

    def calling(self, causes: tuple[Cause, ...], said: Evaluation) -> Guarded:
        """Return what is remembered once people are called; sources that see again are forgotten."""
        called = self.called | {cause.what: cause.since for cause in causes}
        blind = {blind_name(blind) for blind in said.blind}
        kept = {what: at for what, at in called.items() if is_of_rule(what) or what in blind}
        return self.model_copy(update={"called": kept, "owed": None})

    def owing(self, causes: tuple[Cause, ...], seen: Observation) -> Guarded:
        """Return what is remembered where nobody could be called: the next observation tries again."""
        owed = Owed(causes=causes, seen=self.evidence(seen).model_copy(update={"watch": None}))
        return self.calling((), seen.evaluation).model_copy(update={"owed": owed})

    def sparing(self, idle: tuple[Cause, ...], rearm: Rearm) -> Guarded:
        """Return what is remembered where people are not called for these causes, without traffic."""
        rules = tuple(cause.rule for cause in idle if cause.rule)
        unarmed = _unarmed(self.watch, rearm)
        spared = tuple(rule for rule in dict.fromkeys((*self.spared, *rules)) if rule in unarmed)
        news: dict[str, object] = {"unexposed": True, "spared": spared}
        if rules:  # of which the last transition tells
            *before, fired = self.transitions
            said = fired.evaluation
            noted = said.model_copy(update={"reasons": (*said.reasons, SPARED)})
            news["transitions"] = (*before, fired.model_copy(update={"evaluation": noted}))
        return self.model_copy(update=news)

    def exposed(self, called: tuple[Cause, ...]) -> Guarded:
        """Return what is remembered where there may be traffic: what was spared is armed, unless it calls."""
        again = set(self.spared) - {cause.rule for cause in called}
        news: dict[str, object] = {"unexposed": False, "spared": ()}
        if self.watch and again:
            fired_at, true_at = (
                {rule: at for rule, at in times.items() if rule not in again}
                for times in (self.watch.fired_at, self.watch.true_at)
            )
            news["watch"] = self.watch.model_copy(update={"fired_at": fired_at, "true_at": true_at})
        return self.model_copy(update=news)

    def resuming(self, left: Watch | None) -> Guarded:
        """Return what is remembered where an observation that nobody finished left its evidence."""
        is_newer = (
            left is not None
            and left.at is not None
            and (self.watch is None or self.watch.at is None or left.at > self.watch.at)
        )
        return self.model_copy(update={"watch": left}) if is_newer else self

    def retiring(self, why: str) -> Guarded:
        """Return what is remembered once the release is retired; the first reason counts."""
        return self if self.retired else self.model_copy(update={"retired": why})

    def state(self, rearm: Rearm) -> WatchState:
        """Return where the watch stands."""
        if self.retired:
            return "retired"
        if not self.counted:
            return "waiting"
        return "fired" if _unarmed(self.watch, rearm).difference(self.spared) else "watching"

    def lasting(self, playbook: Playbook) -> timedelta:
        """Return how long the next observation lasts: until there is something to say of it at the latest."""
        if self.watch is None or self.trouble or self.owed:
            return min(LASTING, FIRST_TICKS * playbook.tick)
        if self.spared or self.unread:
            return max(UNSETTLED, playbook.tick)
        if self.unexposed or self.unseen:
            return LASTING_UNEXPOSED
        is_fired = self.state(playbook.rearm) == "fired"
        return min(LASTING, playbook.rearm.cooldown) if is_fired else LASTING

    def fitting(self) -> Guarded:
        """Drop the oldest transitions until the rest fits into the input of a fresh history."""
        fits = self
        while len(fits.transitions) > 1 and len(fits.model_dump_json()) > MOST_CARRIED:
            fits = fits.model_copy(update={"transitions": fits.transitions[1:]})
        return fits


def _has_counted(watch: Watch | None) -> bool:
    # Of zero tolerance a counter that stands still is data too.
    tracks = watch.tracks.values() if watch else ()
    return any(track.judged or track.seen_at is not None for track in tracks)


def _unarmed(watch: Watch | None, rearm: Rearm) -> set[str]:
    """Return the rules that fired and may not fire again yet."""
    if watch is None:
        return set()
    return {
        rule
        for rule, fired in watch.fired_at.items()
        if watch.at is None
        or watch.at - fired < rearm.cooldown
        or watch.at - watch.true_at.get(rule, fired) < rearm.quiet
    }
