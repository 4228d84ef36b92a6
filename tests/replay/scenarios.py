"""The scenarios whose histories are kept: what people and silence make of an incident."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from backout.evaluation import Evaluation, Outcome
from backout.people import Action
from backout.playbook import Playbook
from backout.rules import Do
from backout.timeline import PeoplePaged
from backout.timeline_exposure import ExposureSet, RevertStopped
from backout.view import IncidentOutcome
from tests.workflows.engine import PATIENCE_S, Engine, Incidents, unfair
from tests.workflows.playbooks import (
    ALL,
    CHECK,
    DETECT,
    ESCALATE,
    GAP,
    JUDGED,
    MANUAL,
    NOTIFY,
    POSTMORTEM,
    REVERT,
    RIGHTS,
    VERIFY,
    playbook,
    rules,
)

QUORUM = {"rules": rules("approve", quorum=2, approve_by=["commander", "product"])}
WITH_RIGHTS = {
    "on_call": {"may": RIGHTS},
    "commander": {"may": [*RIGHTS, "approve", "reject", "severity"]},
    "product": {"may": ["approve", "reject", "note", "override"]},
    "platform": {"may": ["note"]},
}
Play = Callable[[Engine, Incidents], Awaitable[None]]


@dataclass(frozen=True)
class Scenario:
    """One way through an incident."""

    playbook: Playbook
    play: Play
    outcome: IncidentOutcome
    reverts: tuple[int, ...] = ()
    """The numbers of its walks over stages; their histories are kept too."""
    prepare: Callable[[Engine], Awaitable[None] | None] = lambda _: None
    alert: str = "ErrorsHigh"
    """The alert that opens it; `ProviderDown` fires the rule without any watching."""
    silent: bool = False
    """Nobody acts: time is skipped."""
    found: Evaluation | None = None
    """What a release's watch found that opens it, in the place of the alert."""
    long_after: int | None = None
    """After so many events a history is long, and a held incident goes on in a fresh one, once."""
    baseline: str = ""
    """The last known good release, as the incident is told of it."""
    goes_up: bool = False
    """It is a rollout, of a release that nobody meets yet."""

    @property
    def workflows(self) -> tuple[str, ...]:
        """What its histories are called."""
        carried = ("incident-carried-over",) if self.long_after else ()
        return ("incident", *carried, *(f"revert-{number}" for number in self.reverts))


async def nobody_acts(engine: Engine, incident: Incidents) -> None:
    """Leave the incident alone."""


async def called(incident: Incidents, times: int) -> None:
    """Wait until people were called so many times: who answers a call before its end changes what follows."""
    await incident.until(lambda view: sum(isinstance(event, PeoplePaged) for event in view.timeline) == times)


async def the_quorum_approves(_: Engine, incident: Incidents) -> None:
    """Own the incident, then let two people authorise the plan, and one the notice."""
    await called(incident, 1)
    await incident.act("alice", Action.ACKNOWLEDGE)
    await called(incident, 2)
    await incident.act("bob", Action.APPROVE)
    await incident.act("carol", Action.APPROVE)
    await called(incident, 3)
    await incident.act("carol", Action.APPROVE)


async def held_in_a_soak(engine: Engine, incident: Incidents) -> None:
    """Hold while the first stage is soaked, then resume."""
    await incident.until(lambda view: [e.after for e in view.timeline if isinstance(e, ExposureSet)] == [50])
    await incident.act("alice", Action.HOLD, reason="wait for the provider")
    await incident.until(lambda view: any(isinstance(e, RevertStopped) for e in view.timeline))
    await incident.asked(Action.RESUME)
    engine.world.clock.go_on()
    await incident.act("bob", Action.RESUME)


async def retried_in_a_fresh_history(engine: Engine, incident: Incidents) -> None:
    """Write notes until the held incident went on in another history, then retry."""
    await incident.asked(Action.RETRY)
    first = (await incident.handle.describe()).run_id
    async with asyncio.timeout(PATIENCE_S):
        while (await incident.handle.describe()).run_id == first:
            await incident.act("alice", Action.NOTE, reason="still looking")
    await retried_by_a_person(engine, incident)


async def retried_by_a_person(engine: Engine, incident: Incidents) -> None:
    """Mend what failed, then retry."""
    await incident.asked(Action.RETRY)
    engine.world.check.passes, engine.world.target.lies = True, None
    await incident.act("alice", Action.RETRY)


async def aborted(_: Engine, incident: Incidents) -> None:
    """Abort while the approval is awaited, once it is known who is hit."""
    await called(incident, 1)
    await incident.until(lambda view: view.summary.exposure is not None)
    await incident.act("alice", Action.ABORT, reason="the provider rolled back")


async def rejected_and_closed(_: Engine, incident: Incidents) -> None:
    """Reject the plan, add a note, and close the held incident."""
    await called(incident, 1)
    await incident.act("bob", Action.REJECT, reason="the baseline is worse")
    await incident.asked(Action.CLOSE)
    await incident.act("dave", Action.NOTE, reason="a fix is on its way")
    await incident.act("alice", Action.CLOSE, reason="fixed forward")


async def ticked(_: Engine, incident: Incidents) -> None:
    """Do the checklist in another order."""
    await called(incident, 1)
    for item in (2, 1):
        await incident.act("alice", Action.TICK, item=item)


async def skipped_and_approved(_: Engine, incident: Incidents) -> None:
    """Leave the held detection, and let one person authorise the revert."""
    await called(incident, 1)
    await incident.act("alice", Action.SKIP, reason="we have seen enough")
    await called(incident, 2)
    await incident.act("bob", Action.APPROVE)


async def investigated(_: Engine, incident: Incidents) -> None:
    """Look at the gap, then let two people of two roles decide for the revert."""
    await called(incident, 1)
    await incident.act("alice", Action.SKIP, reason="it is the release")
    await called(incident, 2)
    await incident.act("bob", Action.APPROVE)
    await incident.act("carol", Action.APPROVE)


async def judged(engine: Engine, incident: Incidents) -> None:
    """Judge twice while detection stands still: after the first answer it goes on, the second ends it."""
    await engine.world.clock.reached(4)
    await incident.act("carol", Action.JUDGE, judgment="safety_view", answer="fine")
    await engine.world.clock.reached(5)
    await incident.act(
        "carol", Action.JUDGE, judgment="safety_view", answer="stop", reason="it insults users"
    )
    await called(incident, 1)
    engine.world.clock.go_on()
    await incident.act("bob", Action.APPROVE)


async def held_then_broken_glass(_: Engine, incident: Incidents) -> None:
    """Hold what is announced; ask for a close and retry instead; let two people break the glass."""
    await called(incident, 1)
    await incident.act("alice", Action.HOLD, reason="is it the provider?")
    await incident.asked(Action.CLOSE)
    await incident.act("bob", Action.SEVERITY, reason="few see it", severity="minor")
    await incident.act("bob", Action.CLOSE, reason="fixed forward")
    await called(incident, 2)
    await incident.act("alice", Action.RETRY)
    await incident.asked(Action.BREAK_GLASS)
    await incident.act("dave", Action.BREAK_GLASS, reason="nobody answers")
    await incident.act("alice", Action.BREAK_GLASS, reason="it harms users")


async def overridden(_: Engine, incident: Incidents) -> None:
    """Let one person authorise past the quorum."""
    await called(incident, 1)
    await incident.act("carol", Action.OVERRIDE, reason="children see it")


def _four_looks(engine: Engine) -> None:
    engine.world.clock.go_on(times=3)


def _unfair(engine: Engine) -> None:
    unfair(engine.world)


def _check_fails(engine: Engine) -> None:
    engine.world.check.passes = False


def _target_lies(engine: Engine) -> None:
    engine.world.target.lies = 99


def _healthy(engine: Engine) -> None:
    engine.world.heal()


def _first_soak_lasts(engine: Engine) -> None:
    engine.world.clock.pause()


ERRORS = {"any_of": ["error_rate"]}
CRITICAL = {"id": "critical", "authority": "auto", "when": ERRORS}
WARN = {"id": "warn", "do": "page", "approve_by": ["product"], "when": {**ERRORS, "level": "hold"}}
FREEZE = {"id": "freeze", "do": "hold", "when": ERRORS}
FOUND = Evaluation(
    outcome=Outcome.FIRED,
    rule="critical",
    do=Do.REVERT,
    reasons=("error_rate: 60 bad of 1000 judged (6.00%, limit 1.00%)",),
)

SCENARIOS = {
    "automatic-whole-playbook": Scenario(
        playbook(*ALL), nobody_acts, IncidentOutcome.RECOVERED, reverts=(1,)
    ),
    "approved-by-a-quorum": Scenario(
        playbook(DETECT, ESCALATE, REVERT, VERIFY, {**NOTIFY, "needs_approval": True}, POSTMORTEM, **QUORUM),
        the_quorum_approves,
        IncidentOutcome.RECOVERED,
    ),
    "held-in-a-soak": Scenario(
        playbook(DETECT, REVERT, POSTMORTEM),
        held_in_a_soak,
        IncidentOutcome.UNVERIFIED,
        reverts=(1, 2),
        prepare=_first_soak_lasts,
        alert="ProviderDown",
    ),
    "stage-fails-then-retried": Scenario(
        playbook(DETECT, REVERT, POSTMORTEM),
        retried_by_a_person,
        IncidentOutcome.UNVERIFIED,
        reverts=(2,),
        prepare=_target_lies,
    ),
    "check-fails-then-retried": Scenario(
        playbook(CHECK, POSTMORTEM), retried_by_a_person, IncidentOutcome.UNVERIFIED, prepare=_check_fails
    ),
    "held-into-a-fresh-history": Scenario(
        playbook(CHECK, POSTMORTEM),
        retried_in_a_fresh_history,
        IncidentOutcome.UNVERIFIED,
        prepare=_check_fails,
        # Notes make the first history longer than this; the second at its end is not.
        long_after=150,
    ),
    "ladder-unanswered": Scenario(
        playbook(DETECT, {**ESCALATE, "on_timeout": "abort"}, REVERT, POSTMORTEM, **QUORUM),
        nobody_acts,
        IncidentOutcome.ABORTED,
        silent=True,
    ),
    "false-alarm": Scenario(
        playbook(DETECT, ESCALATE, REVERT, POSTMORTEM),
        nobody_acts,
        IncidentOutcome.FALSE_ALARM,
        prepare=_healthy,
    ),
    "aborted": Scenario(playbook(DETECT, REVERT, POSTMORTEM, **QUORUM), aborted, IncidentOutcome.ABORTED),
    "rejected-and-closed": Scenario(
        playbook(DETECT, REVERT, POSTMORTEM, **QUORUM), rejected_and_closed, IncidentOutcome.CLOSED
    ),
    "paged-then-reverted": Scenario(
        playbook(DETECT, REVERT, POSTMORTEM, rules=[WARN, CRITICAL]),
        nobody_acts,
        IncidentOutcome.UNVERIFIED,
    ),
    "held-by-a-rule-then-skipped": Scenario(
        playbook(DETECT, REVERT, POSTMORTEM, rules=[FREEZE, CRITICAL]),
        skipped_and_approved,
        IncidentOutcome.UNVERIFIED,
    ),
    "investigated-then-two-roles": Scenario(
        playbook(DETECT, REVERT, POSTMORTEM, **GAP),
        investigated,
        IncidentOutcome.UNVERIFIED,
        prepare=_unfair,
    ),
    "judged-in-detection": Scenario(
        playbook(DETECT, REVERT, POSTMORTEM, **JUDGED),
        judged,
        IncidentOutcome.UNVERIFIED,
        prepare=_four_looks,
    ),
    "opened-by-a-watch": Scenario(
        playbook(DETECT, REVERT, POSTMORTEM), nobody_acts, IncidentOutcome.UNVERIFIED, found=FOUND
    ),
    "announced-then-broken-glass": Scenario(
        playbook(
            DETECT,
            REVERT,
            POSTMORTEM,
            rules=rules("auto", veto_window="20s"),
            roles=WITH_RIGHTS,
            consents={"close": ["product"]},
            break_glass={"roles": ["platform", "on_call"], "report": ["product"]},
        ),
        held_then_broken_glass,
        IncidentOutcome.UNVERIFIED,
    ),
    "overridden": Scenario(
        playbook(DETECT, REVERT, POSTMORTEM, **QUORUM, roles=WITH_RIGHTS),
        overridden,
        IncidentOutcome.UNVERIFIED,
    ),
    "manual-checklist": Scenario(playbook(MANUAL, POSTMORTEM), ticked, IncidentOutcome.UNVERIFIED),
}
