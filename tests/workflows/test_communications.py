"""Each audience is told in time, again and again, whatever the steps do; what is not sent is named."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import Client

from backout.timeline import ExposureSet
from backout.timeline_notices import NoticeOverdue
from backout.view import IncidentOutcome
from tests.workflows.communicated import HOURLY, STEPS, sent
from tests.workflows.engine import alert, running
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, VERIFY, playbook


async def test_the_first_notice_comes_after_the_revert_began_then_every_hour_until_verified(
    skipping: Client,
) -> None:
    async with running(skipping) as engine:
        updates = {**HOURLY, "after": "reverting", "until": "verified"}
        incident = await engine.open(
            playbook(DETECT, REVERT, VERIFY, POSTMORTEM, communications=[updates]), alert("ProviderDown")
        )
        summary = await incident.result()
        told = await sent(incident)
        (first, *_) = await incident.events(ExposureSet)
    assert summary.outcome is IncidentOutcome.RECOVERED
    assert told
    assert first.at <= told[0].at <= first.at + timedelta(minutes=30)


async def test_a_series_goes_on_every_hour_and_has_a_last_word(skipping: Client) -> None:
    async with running(skipping) as engine:
        incident = await engine.open(playbook(*STEPS, communications=[HOURLY]))
        summary = await incident.result()
        told = await sent(incident)
        overdue = await incident.events(NoticeOverdue)
    opened = summary.opened_at
    due = [round((event.due - opened) / timedelta(minutes=1)) for event in told if event.due]
    assert due == [30, 90, 150, 210, 270 - 15 + 30 - 15]
    assert not overdue
    assert not any(event.late for event in told)
