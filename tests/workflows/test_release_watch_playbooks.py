"""The playbook of a release's watch: another snapshot of it, and one by which nothing can be observed."""

from __future__ import annotations

import pytest
from temporalio.client import Client

from backout.guard_release import Follow
from backout.model import digest_of
from tests.workflows.engine import running
from tests.workflows.guarding import STAYS_OPEN, a_world, guarded, holding_on_blindness, is_watching
from tests.workflows.playbooks import playbook
from workflows.watch import ReleaseWatch


async def test_a_source_that_nobody_knows_ends_no_watch_and_is_said(skipping: Client) -> None:
    book = holding_on_blindness()
    nowhere = book.signals["errors"].model_copy(update={"source": "nowhere"})
    unknown = book.model_copy(update={"signals": {"errors": nowhere}, "version": 4})
    async with running(skipping, a_world()) as engine:
        watched = await guarded(engine, book)
        await is_watching(watched)
        await watched.follow(unknown)
        view = await watched.until(lambda view: view.trouble and view.incident)
        await watched.follow(book)
        engine.world.clock.go_on()
        well = await watched.until(lambda view: not view.trouble)
        await watched.retire()
        await watched.ended()
    assert "Unknown source 'nowhere'. Known: metrics" in view.trouble
    (blind,) = view.transitions[-1].evaluation.blind
    assert (blind.source, blind.criteria, blind.do) == ("nowhere", ("one", "two"), "hold")
    assert not well.transitions[-1].evaluation.blind


async def test_another_snapshot_of_the_playbook_goes_on_with_the_evidence(waiting: Client) -> None:
    book = playbook(*STAYS_OPEN)
    newer = book.model_copy(update={"version": 4, "scenario": "Another sentence."})
    async with running(waiting, a_world(is_well=False)) as engine:
        watched = await guarded(engine, book)
        await watched.ticks(12)
        await watched.follow(newer)
        await watched.ticks(7)  # too few to fire by themselves
        await watched.until(lambda view: view.incident)
        shown = await watched.incident.view()
    assert (shown.playbook.version, shown.digest) == (4, digest_of(newer))


async def test_a_snapshot_that_is_taken_back_before_it_is_followed_is_not_followed(waiting: Client) -> None:
    book = playbook(*STAYS_OPEN)
    newer = book.model_copy(update={"version": 4})
    async with running(waiting, a_world(is_well=False)) as engine:
        watched = await guarded(engine, book)
        await watched.ticks(2)
        for one in (newer, book):
            change = Follow(playbook=one, digest=digest_of(one))
            await watched.handle.execute_update(ReleaseWatch.follow, change)
        engine.world.clock.go_on()
        await watched.until(lambda view: view.incident)
        shown = await watched.incident.view()
    assert shown.playbook.version == book.version


async def test_an_error_that_no_attempt_survives_is_said_while_the_watch_is_tried_again(
    skipping: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(skipping, a_world()) as engine:
        watched = await guarded(engine, holding_on_blindness())
        await is_watching(watched)
        monkeypatch.setattr(engine.world.source, "look", None)
        engine.world.clock.go_on()
        view = await watched.until(lambda view: view.incident)
        await watched.retire()
        await watched.ended()
    assert "not callable" in view.trouble
