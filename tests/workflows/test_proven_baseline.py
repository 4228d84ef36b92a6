"""Before anything is reverted the release that traffic goes back to is proven, or somebody answers for it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import Client

from backout.people import Action
from backout.playbook import Playbook
from backout.releases import Artifact, BaselineRecord, Registration, ReleaseRecord
from backout.timeline import Held, StepTimedOut
from backout.timeline_baseline import BaselineProven, BaselineUnproven
from backout.timeline_decisions import ApprovalAsked
from backout.timeline_exposure import ExposureSet
from backout.view import Phase
from tests.workflows.engine import Engine, Incidents, alert, running
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, RIGHTS, playbook

DAY = timedelta(days=1)
ROLES: dict[str, Any] = {
    "on_call": {"may": RIGHTS},
    "commander": {"may": [*RIGHTS, "approve", "reject", "override"]},
    "platform": {"may": ["note"]},
}
WANTED: dict[str, Any] = {"requests": 10_000, "over": "1d"}


def wanting(
    *,
    checks: tuple[str, ...] = (),
    roles: dict[str, Any] = ROLES,
    glass: dict[str, Any] | None = None,
    **revert: Any,  # noqa: ANN401  # any field
) -> Playbook:
    """Return a playbook that wants a proven baseline."""
    release = {
        "service": "chat",
        "artifacts": ["model"],
        "requests": {"source": "metrics", "query": "served by $release"},
        "proven": {**WANTED, "checks": list(checks)},
    }
    return playbook(DETECT, {**REVERT, **revert}, POSTMORTEM, release=release, roles=roles, break_glass=glass)


async def served(engine: Engine, release: str, *, days: float, per_request: float = 1.0) -> None:
    """Let a registered release serve this share of all requests for so long."""
    world = engine.world
    world.source.change("served by r2", baseline=0, candidate=1)
    await register(engine, release, at=world.clock.now())
    world.source.change(f"served by {release}", baseline=per_request, candidate=per_request)
    world.clock.advance(days * DAY)


async def register(engine: Engine, release: str, *, at: datetime) -> None:
    artifact = Artifact(kind="model", name="chat-8b", digest="sha256:" + "ab" * 32)
    told = Registration(
        service="chat", release=release, playbook="chat-tests", owner="team", artifacts=(artifact,)
    )
    await engine.world.registry.register(record=ReleaseRecord(registration=told, registered_at=at, by="ci"))


async def name(engine: Engine, release: str, *, at: datetime | None = None) -> None:
    """Let Ann name the last known good release."""
    at = at or engine.world.clock.now()
    named = BaselineRecord(service="chat", release=release, by="ann", why="a quiet week", at=at)
    await engine.world.registry.name_baseline(baseline=named)


def percents(engine: Engine) -> list[int]:
    return [change.percent for change in engine.world.target.changes]


async def unproven(engine: Engine, **changes: Any) -> Incidents:  # noqa: ANN401  # any field of the revert
    """Open an incident whose baseline has served too few requests."""
    await served(engine, "r1", days=1.5, per_request=0.001)
    await name(engine, "r1")
    return await engine.open(wanting(**changes), alert("ProviderDown"), baseline="r1")


TOO_FEW = "it served 8,640 of 10,000 requests in the last 1d"


async def test_a_baseline_that_served_well_is_proven_and_the_revert_begins(waiting: Client) -> None:
    async with running(waiting) as engine:
        await served(engine, "r1", days=1.5)
        await name(engine, "r1")
        incident = await engine.open(wanting(checks=("consistent",)), alert("ProviderDown"))
        await incident.result()
        (proven,) = await incident.events(BaselineProven)
        (first, *_) = await incident.events(ExposureSet)
        view = await incident.view()
    assert percents(engine) == [50, 10, 0]
    assert proven.baseline == "r1"
    assert proven.shown == (
        "it served 8,640,000 requests in the last 1d",
        "no incident was open on it since 2026-01-05 21:00 UTC",
        "its artifacts are registered with their digests, and none is quarantined",
        "check consistent passed: as it should be",
    )
    assert proven.seq < first.seq
    assert (view.baseline, view.stakes.baseline) == ("r1", "r1")


async def test_a_playbook_that_asks_for_no_proof_reverts_to_whatever_there_is(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await engine.open(playbook(DETECT, REVERT, POSTMORTEM), alert("ProviderDown"))
        await incident.result()
        assert not await incident.events(BaselineUnproven)
    assert percents(engine) == [50, 10, 0]


async def test_what_is_not_proven_is_asked_and_an_override_is_good_for_the_whole_step(
    waiting: Client,
) -> None:
    async with running(waiting) as engine:
        engine.world.clock.pause()
        incident = await unproven(engine)
        view = await incident.asked(Action.OVERRIDE)
        (ask,) = view.asks
        assert ask.headline == f"Revert chat r2 to r1, which is not proven: {TOO_FEW}"
        assert "'backout release baseline chat/RELEASE --why TEXT'" in ask.what
        assert (ask.roles, percents(engine)) == (("commander",), [])
        await incident.act("bob", Action.OVERRIDE, reason="better than what we have")
        await incident.until(lambda view: view.summary.exposure == 50)
        await incident.act("bob", Action.HOLD)
        await incident.asked(Action.RESUME)
        engine.world.clock.go_on()
        await incident.act("bob", Action.RESUME)
        await incident.result()
        first, overridden, again = await incident.events(BaselineUnproven)
        assert len(await incident.events(ApprovalAsked)) == 1
    assert percents(engine) == [50, 10, 0]
    assert (first.doubts, first.went_on) == ((TOO_FEW,), "")
    assert overridden.went_on == "it was overridden"
    assert again.went_on == "it was overridden before"


async def test_a_rejection_holds_and_names_what_could_be_gone_back_to(waiting: Client) -> None:
    async with running(waiting) as engine:
        await served(engine, "r0", days=1.5)
        incident = await unproven(engine)
        view = await incident.asked(Action.REJECT)
        assert "- r0, registered 2026-01-05 09:00 UTC: it served" in view.asks[0].what
        await incident.act("bob", Action.REJECT, reason="we know nothing of r1")
        view = await incident.asked(Action.RESUME)
        assert percents(engine) == []
        assert view.held == (
            f"r1 is no proven baseline: {TOO_FEW}. Name the release to go back to with 'backout release "
            "baseline chat/RELEASE --why TEXT', then resume; choices: r0 (not proven) "
            "(rejected by Bob: we know nothing of r1)"
        )
        await name(engine, "r0", at=datetime.now(UTC))
        await incident.act("bob", Action.RESUME)
        await incident.result()
        (proven,) = await incident.events(BaselineProven)
    assert (proven.baseline, percents(engine)) == ("r0", [50, 10, 0])


async def test_silence_has_its_own_next_step_and_says_what_is_missing(skipping: Client) -> None:
    async with running(skipping) as engine:
        incident = await unproven(engine, on_timeout="abort")
        await incident.result()
        (late,) = await incident.events(StepTimedOut)
    assert percents(engine) == []
    assert late.move == "abort"
    assert late.missing.startswith(f"nobody overrode it. r1 is no proven baseline: {TOO_FEW}. Name the")


async def test_a_baseline_that_is_named_while_people_are_asked_needs_no_override(skipping: Client) -> None:
    async with running(skipping) as engine:
        await served(engine, "r0", days=1.5)
        registry = engine.world.registry
        await served(engine, "r1", days=1.5, per_request=0.001)
        await name(engine, "r1")
        registry.go_on(times=5)  # The first look; the second one waits.
        reached = registry.arrivals + 6
        incident = await engine.open(wanting(), alert("ProviderDown"))
        await registry.reached(reached)
        (asked,) = await incident.events(BaselineUnproven)
        named = asyncio.create_task(name(engine, "r0"))
        registry.go_on()
        await named
        await incident.result()
        (proven,) = await incident.events(BaselineProven)
    assert asked.baseline == "r1"
    assert (proven.baseline, percents(engine)) == ("r0", [50, 10, 0])


async def test_where_nobody_may_override_it_is_held_at_once_with_the_choices(waiting: Client) -> None:
    roles = {**ROLES, "commander": {"may": [*RIGHTS, "approve", "reject"]}}
    async with running(waiting) as engine:
        incident = await engine.open(wanting(roles=roles), alert("ProviderDown"))
        view = await incident.asked(Action.RESUME)
        (held,) = await incident.events(Held)
        await incident.end()
    assert view.summary.phase is Phase.HELD
    assert held.why.startswith("no last known good release of chat is known. Name the release to go back to")
    assert held.why.endswith("choices: no other one is registered")
    assert percents(engine) == []


async def test_a_failed_check_of_the_baseline_is_a_doubt(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.check.passes, engine.world.check.found = False, "sha256:12 is not sha256:ab"
        await served(engine, "r1", days=1.5)
        await name(engine, "r1")
        incident = await engine.open(wanting(checks=("consistent",)), alert("ProviderDown"))
        view = await incident.asked(Action.OVERRIDE)
        await incident.end()
    assert view.asks[0].headline.endswith("not proven: check consistent failed: sha256:12 is not sha256:ab")


async def test_the_baseline_that_the_incident_knows_is_proven_where_nobody_named_one(
    waiting: Client,
) -> None:
    async with running(waiting) as engine:
        await served(engine, "r1", days=1.5)
        incident = await engine.open(wanting(), alert("ProviderDown"), baseline="r1")
        await incident.result()
        (proven,) = await incident.events(BaselineProven)
    assert proven.baseline == "r1"


async def test_a_check_that_cannot_look_is_a_doubt(skipping: Client) -> None:
    async with running(skipping) as engine:
        engine.world.check.refuses = "no"
        await served(engine, "r1", days=1.5)
        playbook = wanting(checks=("consistent",), on_timeout="abort")
        incident = await engine.open(playbook, alert("ProviderDown"), baseline="r1")
        await incident.result()
        (told, *_) = await incident.events(BaselineUnproven)
    assert told.doubts[0].startswith("check consistent failed: check memory refused: no")
    assert percents(engine) == []


async def test_what_cannot_be_seen_is_no_proof(skipping: Client) -> None:
    async with running(skipping) as engine:
        await served(engine, "r1", days=1.5)
        await name(engine, "r1")
        engine.world.registry.unreachable = True
        incident = await engine.open(wanting(on_timeout="abort"), alert("ProviderDown"))
        await incident.result()
        (unproven, *_) = await incident.events(BaselineUnproven)
    assert unproven.doubts[0].startswith("nobody could say what it served: registry memory did not answer")
    assert percents(engine) == []


async def test_an_emergency_waits_for_no_proof_and_the_timeline_says_that_there_was_none(
    waiting: Client,
) -> None:
    commander = {"may": [*RIGHTS, "approve", "reject", "override", "emergency"]}
    async with running(waiting) as engine:
        incident = await unproven(engine, roles={**ROLES, "commander": commander})
        await incident.asked(Action.OVERRIDE)
        await incident.act("bob", Action.EMERGENCY, reason="it tells children how to")
        await incident.result()
        asked, told = await incident.events(BaselineUnproven)
        view = await incident.view()
    assert percents(engine) == [0]
    assert (asked.went_on, told.went_on, told.step) == ("", "an emergency, by Bob", "revert")
    assert told.line.endswith(f"{TOO_FEW}. The revert went on: an emergency, by Bob")
    assert view.baseline == "r1"


async def test_two_who_break_the_glass_go_on_where_nobody_may_override(waiting: Client) -> None:
    roles = {**ROLES, "commander": {"may": [*RIGHTS, "approve", "reject"]}}
    glass = {"roles": ["on_call", "commander"], "report": ["platform"]}
    async with running(waiting) as engine:
        incident = await unproven(engine, roles=roles, glass=glass)
        for person in ("alice", "bob"):
            await incident.asked(Action.BREAK_GLASS)
            await incident.act(person, Action.BREAK_GLASS, reason="nobody answers")
        await incident.result()
    assert percents(engine) == [50, 10, 0]
