"""The desk: what every step needs of its incident: write down, page, ask, and keep the outside informed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from temporalio import workflow

from backout import details
from backout.case import Case, OpenIncident
from backout.escalation import Level
from backout.evaluation import Outcome
from backout.exposure import StagedPlan
from backout.mandate import Mandate, mandate
from backout.people import Act
from backout.rules import Judgment
from backout.severity import Severity
from backout.steps import Move, StagedStep, Step, VerifyStep
from backout.timeline import Event, StepStarted
from backout.view import Ask, IncidentOutcome, Phase, is_rollout
from backout.watch import Watch
from workflows.doing import SUMMARY_LENGTH
from workflows.paging import Page, Paging
from workflows.publishing import Publisher
from workflows.release_set import ReleaseSet
from workflows.search_attributes import OUTCOME, PHASE
from workflows.waiting import answer, heed, stop


class Desk:
    """One incident's case, and the ways to act on it."""

    def __init__(self, opening: OpenIncident, case: Case) -> None:
        """Work on this case."""
        self.opening = opening
        self.playbook = opening.playbook
        self.case = case
        self.publisher = Publisher(opening, case, self.write)
        self.paging = Paging(opening, case, self.write)
        self.watch: Watch | None = None
        """Where detection stands. It is no part of the case: in a fresh history the watch begins anew."""
        self.on_silence: Move | None = None
        """What silence means in the current step, where a rule says it in the step's place."""
        self.ladder: asyncio.Task[None] | None = None
        """What climbs the case's ladder, while it has one."""
        self.vigil: asyncio.Task[None] | None = None
        """What watches over whoever owns the incident."""
        self.open_set: ReleaseSet | None = None
        """The release set whose stage was stopped in its middle, if one ever was."""
        self.settling: asyncio.Task[None] | None = None
        """What puts that stage back in time."""
        self.carries_over_later = False
        """Whether this history has waited to be carried over until nothing was under way."""
        self._shows = False
        """Whether the page is about to be brought up to date."""
        self._asked: dict[str, list[Ask]] = {}
        """By kind, the questions that wait now, in the order in which they were asked."""
        self._background: list[asyncio.Task[None]] = []
        self._effects: dict[str, asyncio.Task[None]] = {}
        self._events = workflow.metric_meter().create_counter(
            "backout_events", "Timeline events of incidents, by kind and playbook"
        )

    @property
    def step(self) -> Step:
        """The current step."""
        return self.playbook.steps[self.case.position]

    @property
    def key(self) -> str:
        """Identity of effects: constant over resets, new when the same release fails again."""
        return f"{self.opening.incident}@{self.case.run}/{self.step.name}"

    def write(self, event: Event) -> None:
        """Write an event on the timeline and on the page that Temporal's UI shows."""
        self.case.add(event, now=workflow.now(), step=self.step.name)
        self.count(event.event)
        self.show()

    def count(self, event: str) -> None:
        """Count an event in the engine's metrics."""
        self._events.add(1, {"event": event, "playbook": self.playbook.playbook})

    def show(self) -> None:
        """Bring the page that Temporal's UI shows up to date, once for everything that happens at a time.

        A replay goes through hours at a time, and the engine lets it take two seconds.
        """
        if not self._shows:
            self._shows = True
            asyncio.get_running_loop().call_soon(self._show)

    def _show(self) -> None:
        self._shows = False
        workflow.set_current_details(details.page(self.case.brief(self.opening)))

    def keep(self, exposures: dict[str, int]) -> None:
        """Keep where targets stand now; the release's exposure is the most of any target of its set."""
        case = self.case
        case.exposures = case.exposures | exposures
        release_set = self.playbook.release_set
        if release_set & set(exposures):
            known = [percent for target, percent in case.exposures.items() if target in release_set]
            case.exposure = max(known)

    def planned(self, step: StagedStep, *, because: str) -> StagedPlan:
        """Return the plan of a walk over the step's stages."""
        return StagedPlan(
            incident=self.opening.incident,
            target=step.parts[0].target,
            service=self.opening.service,
            release=self.opening.release,
            stages=step.stages,
            soak=step.soak,
            because=because,
            targets=step.targets,
            mixed_for=step.mixed_for,
            on_target_failure=step.on_target_failure,
            conversations=step.conversations,
        )

    @property
    def attempt(self) -> int:
        """How often the current step was begun: what a check changes is changed anew by each attempt."""
        begun = [event for event in self.case.timeline if isinstance(event, StepStarted)]
        return sum(event.step == self.step.name for event in begun)

    @property
    def baseline(self) -> str:
        """The release that traffic goes back to, as it is known now; empty where none is."""
        return self.case.baseline(self.opening)

    def mandate(self) -> Mandate:
        """Return what a revert takes now."""
        return mandate(self.case.evaluation, self.playbook, self.case.investigated, self.severity)

    @property
    def severity(self) -> Severity:
        """How bad it is now."""
        return self.case.severity or self.playbook.severity

    def forget(self) -> None:
        """Forget where detection stands: it is begun anew, with every rule."""
        self.watch, self.case.answered = None, ()

    def judgment(self, act: Act) -> Judgment | None:
        """Return the judgment that an act answers."""
        return next((one for one in self.playbook.judgments if one.id == act.judgment), None)

    def owner(self) -> str:
        """Return who acknowledged; empty while nobody did."""
        return self.case.acknowledged_by

    def why_paged(self) -> str:
        """Return in one sentence why people are called."""
        said = self.case.evaluation
        if said is None or said.outcome is not Outcome.FIRED:
            return f"{self.opening.service} {self.opening.release} may be bad; the signals do not settle it"
        what = f"rule {said.rule} fired" if said.rule else "people judged so"
        return f"{what}: {'; '.join(said.reasons)}"

    def final_outcome(self) -> IncidentOutcome:
        """Return how the incident ends if it ends now."""
        well = self.case.verified and (self.case.reverted or self.case.came_back)
        good = IncidentOutcome.RECOVERED
        if is_rollout(self.opening.incident):
            looked = self.case.verified or not any(isinstance(one, VerifyStep) for one in self.playbook.steps)
            well, good = self.case.released and looked, IncidentOutcome.RELEASED
        return self.case.ending or (good if well else IncidentOutcome.UNVERIFIED)

    def in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside the steps, until the incident ends."""
        self._background.append(asyncio.create_task(work))

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do this beside the steps, until the incident ends, and return the work itself."""
        self.in_background(work)
        return self._background[-1]

    async def stop_background(self) -> None:
        """Cancel what runs beside the steps, and wait for its end."""
        for task in self._background:
            stop(task)
        await asyncio.gather(*self._background, return_exceptions=True)
        self._background.clear()

    async def once(self, name: str, effect: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Have an effect once in the incident, whoever interrupts the step that wants it.

        An interrupted step leaves the effect under way; the step that comes back waits for that one.
        """
        heed()
        if name not in self._effects or self._failed(name):
            self._effects[name] = asyncio.create_task(effect())
        await asyncio.shield(self._effects[name])

    def _failed(self, name: str) -> bool:
        task = self._effects[name]
        return task.done() and (task.cancelled() or task.exception() is not None)

    def forget_effects(self) -> None:
        """Forget which effects were had: in an incident that begins again each is had again."""
        self._effects.clear()

    @property
    def is_busy(self) -> bool:
        """Whether a page or an effect is under way."""
        return any(not task.done() for task in (*self.paging.under_way, *self._effects.values()))

    async def settle(self) -> None:
        """Wait until every page and every effect that is under way has ended."""
        settling = (self.settling,) if self.settling else ()
        under_way = [*self.paging.under_way, *self._effects.values(), *settling]
        await asyncio.gather(*under_way, return_exceptions=True)

    def enter(self, phase: Phase) -> None:
        """Say where the incident stands now."""
        if self.case.phase is not phase:
            self.case.phase = phase
            workflow.upsert_search_attributes([PHASE.value_set(phase.value)])

    def close(self, outcome: IncidentOutcome) -> None:
        """Say how the incident ended."""
        self.case.outcome = outcome
        self.case.closed_at = workflow.now()
        self.case.phase = Phase.CLOSED
        self.case.asks.clear()
        workflow.upsert_search_attributes(
            [PHASE.value_set(Phase.CLOSED.value), OUTCOME.value_set(outcome.value)]
        )

    @contextmanager
    def asking(self, kind: str, question: Ask) -> Iterator[None]:
        """Ask people while the block runs; afterwards nobody is asked any more.

        Of two that ask the same at the same time the later one is shown, and then the other again.
        """
        asked = self._asked.setdefault(kind, [])
        asked.append(question)
        self.case.asks[kind] = question
        self.show()
        try:
            yield
        finally:
            is_shown = asked[-1] is question
            asked[:] = [one for one in asked if one is not question]
            if is_shown and asked:
                self.case.asks[kind] = asked[-1]
            elif is_shown:
                self.case.asks.pop(kind, None)

    async def ask(self, kind: str, question: Ask, given: Callable[[], bool], *, until: datetime) -> bool:
        """Ask people and wait until the answer is given or the deadline comes; say whether it was given."""
        with self.asking(kind, question):
            return await answer(given, until=until, summary=f"waits: {question.headline}"[:SUMMARY_LENGTH])

    def page(
        self, roles: tuple[str, ...], why: str, *, level: int = 1, levels: tuple[Level, ...] = ()
    ) -> None:
        """Call people, beside the steps: everybody who fills a role, and whom these levels are for now."""
        self.paging.begin(Page(why=why, roles=roles, level=level, levels=levels))
