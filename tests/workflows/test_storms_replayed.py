"""A worker that takes over an incident with very many alerts goes through them in one go, and in time."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.client import Client

from backout import details
from backout.view import Briefing
from tests.replay.commands import replayed
from tests.workflows.engine import alert, running
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, playbook

ALERTS = 300


async def test_the_page_is_not_drawn_for_each_alert_that_is_gone_through_again(
    waiting: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(waiting) as engine:
        engine.world.clock.pause()
        incident = await engine.open(playbook(DETECT, REVERT, POSTMORTEM))
        storm = (alert("ErrorsHigh", fingerprint=f"f{number}") for number in range(ALERTS))
        await asyncio.gather(*(incident.handle.signal("alert", one) for one in storm))
        await incident.until(lambda view: view.summary.alerts == ALERTS + 1)
        engine.world.clock.go_on()
        await incident.result()
        history = await incident.handle.fetch_history()
    drawn: list[Briefing] = []
    draw = details.page

    def counted(brief: Briefing) -> str:
        drawn.append(brief)
        return draw(brief)

    monkeypatch.setattr(details, "page", counted)
    await replayed(history)
    assert 0 < len(drawn) < ALERTS / 2
