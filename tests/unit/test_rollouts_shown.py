"""What people are shown of a rollout: its paper, its stages, its messages and its record."""

from __future__ import annotations

import asyncio

import pytest

from activities.records import RecordActivities
from adapters.memory import MemoryStore
from backout import rendering
from backout.case import OpenIncident
from backout.evaluation import Outcome
from backout.requests import WritePostmortem
from backout.timeline import Event, IncidentEnded, IncidentOpened
from backout.timeline_exposure import RevertStopped
from backout.view import IncidentOutcome, IncidentView, Phase, is_rollout, rollout_id
from tests.unit.linted import changed
from tests.unit.papers import lines, under
from tests.unit.test_lint_rollout import MANUAL, POSTMORTEM, ROLLOUT
from tests.unit.views import OPENING, TEMPLATES, at, case_of, judged, stage

PLAYBOOK = changed(
    {
        "rollout": [MANUAL, ROLLOUT, {**POSTMORTEM, "template": "rollout"}],
        "roles.product.may": ["approve", "reject", "rollout"],
    }
)
GOING_UP = OpenIncident(
    **{
        **dict(OPENING),
        "incident": rollout_id("chat", "r2"),
        "playbook": PLAYBOOK.rolling_out(),
        "because": "Olga (cli): the prompt is mended",
    }
)


def shown(*events: Event, outcome: IncidentOutcome = IncidentOutcome.OPEN) -> IncidentView:
    """Return a rollout in its stages, with these events."""
    case = case_of(*(event.model_copy(update={"step": "rollout"}) for event in events))
    case.position, case.phase, case.outcome, case.exposure = 1, Phase.ROLLOUT, outcome, 10
    return case.view(GOING_UP)


def record(view: IncidentView, outcome: IncidentOutcome) -> str:
    """Return the record that a rollout leaves."""
    store = MemoryStore()
    records = RecordActivities(store=store, channels={}, directory={}, templates=TEMPLATES, history="")
    wanted = WritePostmortem(template="rollout", view=view, outcome=outcome, written_at=at(42), due=at(7200))
    asyncio.run(records.write_postmortem(wanted))
    (text,) = store.documents.values()
    return text


def test_the_paper_has_the_way_up_with_who_may_begin_it_and_who_approves() -> None:
    told = lines(PLAYBOOK)
    start = told.index("## Rollout and re-release")
    assert "### 1. manual: on_call, within 1h" in told[start:]
    steps = under("### 2. rollout: on_call, within 4h", PLAYBOOK)
    assert (
        "- [ ] Have it approved: 2 approvals. Whoever ships the release does not count: ............" in steps
    )
    assert (
        "- [ ] Set exposure on `chat-exposure` to 1 % and read it back: ............ %. "
        "Soak for 10m (until 10m after the start)." in steps
    )
    assert (
        "- [ ] If a rule fires at a stage: turn back to 0 % at once. "
        "If nothing shows that it is healthy: hold." in steps
    )
    assert "- Who may begin it: product. A release whose artifacts are quarantined is refused." in told


def test_the_paper_of_a_playbook_without_a_way_up_says_nothing_of_one() -> None:
    assert "## Rollout and re-release" not in lines()


@pytest.mark.parametrize(("before", "after", "following"), [(0, 1, 10), (10, 50, 100), (50, 100, None)])
def test_the_next_stage_is_the_next_higher_one(before: int, after: int, following: int | None) -> None:
    stakes = shown(stage(2, before, after)).stakes
    assert (stakes.next_stage, stakes.soaks_until is None) == (following, False)


def test_messages_speak_of_a_rollout_and_frighten_nobody_with_what_an_incident_threatens() -> None:
    for template in ("slack/incident.md.j2", "slack/page.md.j2"):
        context = {"brief": shown(stage(2, 1, 10)), "asks": [], "why": "approve it", "link": ""}
        text = rendering.render(template, templates=TEMPLATES, **context)
        assert text.startswith("# ROLLOUT: chat r2")
        assert "*Exposure:* 10 % of traffic is on the candidate" in text
        assert PLAYBOOK.at_risk.users not in text


def test_its_record_says_who_began_it_what_was_set_and_how_it_ended() -> None:
    begun = IncidentOpened(
        at=at(0), playbook="complete", version=3, digest="d", because="Olga (cli): the prompt is mended"
    )
    ended = IncidentEnded(at=at(9), outcome="released", is_rollout=True)
    text = record(
        shown(begun, stage(2, 1, 10), judged(3, "breach", Outcome.CLEAR), ended), IncidentOutcome.RELEASED
    )
    assert text.startswith("# Rollout: chat r2\n")
    assert "| Rollout | `rollout/chat/r2`" in text
    assert "| Outcome | **released** |" in text
    assert "| chat-exposure | 10 % | 1 % | 10 % | yes |" in text
    assert "Rollout begun by Olga (cli): the prompt is mended, with playbook complete version 3" in text
    assert "Rollout ended: released" in text
    assert "Open questions" not in text


def test_the_record_of_one_that_turned_back_has_its_reason_and_questions_for_people() -> None:
    stop = RevertStopped(at=at(4), exposure=0, why="turned back from 10 %", direction="up")
    text = record(shown(stage(2, 1, 10), stop), IncidentOutcome.TURNED_BACK)
    assert "Way up stopped, exposure 0 %: turned back from 10 %" in text
    assert "- [ ] What has to be shown before its quarantine is lifted?" in text


def test_the_record_of_one_that_never_began_says_so() -> None:
    text = record(shown(), IncidentOutcome.ABORTED)
    assert "Nobody met the release: no exposure was set." in text
    assert "The signals were never judged." in text


def test_a_rollout_that_turned_back_has_whoever_ends_it() -> None:
    case = case_of()
    case.settle(IncidentOutcome.TURNED_BACK)
    case.settle(IncidentOutcome.ABORTED)
    assert case.ending is IncidentOutcome.TURNED_BACK


def test_what_a_rollout_goes_by_has_its_steps_and_no_communications() -> None:
    alone = PLAYBOOK.rolling_out()
    assert [step.name for step in alone.steps] == ["manual", "rollout", "postmortem"]
    assert alone.communications == ()
    assert alone.guard == PLAYBOOK.guard


def test_only_an_id_of_a_rollout_is_one() -> None:
    assert [is_rollout(id_) for id_ in ("rollout/chat/r2", "incident/rollout/r2")] == [True, False]
