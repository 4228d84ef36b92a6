"""What is off is quarantined, also where a person holds at the end of the revert and leaves the step."""

from __future__ import annotations

from temporalio.client import Client

from backout.people import Action
from backout.timeline import SignalsJudged
from backout.timeline_exposure import RequestsCounted
from backout.timeline_quarantine import ReleaseQuarantined
from tests.workflows.engine import alert, running
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, playbook

LOOKS = 8
"""So often a soak of two minutes looks after its first pause."""


async def test_a_hold_while_requests_are_counted_does_not_let_the_release_out_again(waiting: Client) -> None:
    async with running(waiting) as engine:
        source, clock = engine.world.source, engine.world.clock
        clock.pause()
        book = playbook(DETECT, {**REVERT, "stages": [0]}, POSTMORTEM)
        incident = await engine.open(book, alert("ProviderDown"))
        await clock.reached(1)
        await incident.until(lambda view: any(isinstance(event, RequestsCounted) for event in view.timeline))
        looked = source.arrivals
        source.go_on(times=LOOKS)
        clock.go_on()
        await source.reached(looked + LOOKS + 1)
        assert len(await incident.events(SignalsJudged)) == 2
        await incident.act("alice", Action.HOLD, reason="let me look")
        await incident.asked(Action.SKIP)
        source.go_on()
        await incident.act("bob", Action.SKIP, reason="it is off")
        await incident.result()
        assert len(await incident.events(ReleaseQuarantined)) == 1
