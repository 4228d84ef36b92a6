"""The document of a postmortem says what its facts say, and nothing that did not happen."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.records import RecordActivities
from adapters.memory import MemoryStore
from backout.evaluation import Blindness, Evaluation, Outcome, Verdict, Vetoed
from backout.people import Action
from backout.postmortem import Facts, facts
from backout.releases import Artifact
from backout.requests import WritePostmortem
from backout.timeline import Event, SignalsJudged
from backout.timeline_exposure import ExposureSet
from backout.view import IncidentOutcome, IncidentView
from tests.invariants.properties import quickly
from tests.unit.views import (
    ANN,
    EVERYTHING,
    TEMPLATES,
    at,
    empty_view,
    factor,
    full_view,
    taken,
    view_of,
)

MINUTE = timedelta(minutes=1)


WELL = factor(Verdict.HEALTHY, 0, 4000)


ILL = factor(Verdict.BREACHED, 80, 4000)


MODEL = Artifact(kind="model", name="chat", digest="sha256:" + "a" * 64)


def found(*events: Event, **state: object) -> Facts:
    return facts(view_of(*events, **state))


def document(view: IncidentView) -> str:
    """Return the postmortem of an incident."""
    store = MemoryStore()
    records = RecordActivities(store=store, channels={}, directory={}, templates=TEMPLATES, history="")
    request = WritePostmortem(
        template="standard", view=view, outcome=IncidentOutcome.RECOVERED, written_at=at(42), due=at(7200)
    )
    asyncio.run(records.write_postmortem(request))
    (text,) = store.documents.values()
    return text


LINES = [
    "| Outcome | **recovered** |",
    "| Severity | major |",
    "| Opened | 2026-11-20 21:00:00 UTC |",
    "| Owner | Ann |",
    "| Review due | 2026-11-25 21:00:00 UTC |",
    "Counted from 2026-11-20 20:55:00 UTC, when the first alert says that it began.",
    "| incident opened | 5m |",
    "| signals detected it | 8m |",
    "| acknowledged | 11m |",
    "| first exposure taken off | 15m |",
    "| fully reverted | 23m |",
    "| recovery shown | 38m |",
    "The candidate served **6600** requests between the opening of the incident and the end of the revert.",
    "Exposure went from 100 % to 0 % of traffic.",
    "| error-limit | breached | 90 | 3000 | 3.00% | 0.30% | 6.12e+05 | 5.76e+05 |",
    "| 2026-11-20 21:14:00 UTC | chat-exposure | 10 % | 50 % | 10 % | yes |",
    "| error-limit | healthy | 1 | 5000 | 0.02% | 0.30% |",
    "2026-11-20 21:03:00 UTC: Investigation opened by rule bias: error-limit is breached. Look at the cohort",
    "- [ ] What did the investigation by rule bias find, and whom did it reach?",
    "- Integrity check `served-version`: **failed** (12 stale entries)",
    "| 2026-11-20 21:08:00 UTC | Ben | commander | cli | approve | the errors are real |",
    "- 2026-11-20 21:03:00 UTC: Paged Ann (on_call): rule critical fired",
    "- 2026-11-20 21:41:00 UTC: to customers through status-page: We went back. Sorry.",
    "- 2026-11-20 21:04:00 UTC: **not sent** to commander through incidents: channel_not_found",
    "- [ ] Why did nobody answer on escalation policy ladder?",
    "1. 2026-11-20 21:00:00 UTC [detect] Incident opened with playbook complete version 3",
]


@pytest.mark.parametrize("line", LINES)
def test_the_document_says(line: str) -> None:
    assert line in document(full_view()).splitlines()


def test_the_document_tells_what_weighed_beside_the_numbers() -> None:
    gap = ILL.model_copy(update={"criterion": "gap", "cohort": "sw", "mode": "observe"})
    said = Evaluation(
        outcome=Outcome.FIRED,
        rule="critical",
        factors=(gap,),
        vetoed=(Vetoed(rule="combined", veto="bias_first", until=at(33)),),
        blind=(Blindness(source="judges", criteria=("drift",), since=at(1), why="it is down"),),
        observed=("rule truth would have fired",),
        context=("deploy since 2026-11-20 20:50 UTC: search",),
        not_counted=("drift: 3 judged, fewer than 200",),
    )
    event = SignalsJudged(at=at(3), sense="breach", evaluation=said)
    view = view_of(event).model_copy(update={"baseline": "r1", "artifacts": (MODEL,)})
    lines = document(view).splitlines()
    for line in (
        "The last known good release is `r1`.",
        f"- model chat: `{MODEL.digest}`",
        "| gap (sw) (only observed) | breached | 80 | 4000 | 2.00% | 0.30% | 0 | 5.76e+05 |",
        "- Held back: rule `combined` by `bias_first` until 2026-11-20 21:33:00 UTC",
        "- Blind: source `judges` since 2026-11-20 21:01:00 UTC (it is down), so drift",
        "- Only observed: rule truth would have fired",
        "- At that time: deploy since 2026-11-20 20:50 UTC: search",
        "- Not counted: drift: 3 judged, fewer than 200",
        "- [ ] Was it right that bias_first held combined back until 21:33:00 UTC?",
    ):
        assert line in lines


def test_the_document_of_an_incident_without_facts_says_so() -> None:
    text = document(empty_view())
    for said in (
        "| Owner | nobody acknowledged |",
        "| fully reverted | - |",
        "could not be counted",
        "The signals were never judged.",
        "No exposure was taken off.",
        "Recovery was not measured.",
        "Nobody acted.",
        "Nobody was told.",
    ):
        assert said in text


@given(st.lists(st.sampled_from(range(len(EVERYTHING))), unique=True), st.booleans())
@settings(quickly, max_examples=40)
def test_whatever_happened_nothing_leaks_of_what_did_not(chosen: list[int], owned: bool) -> None:  # noqa: FBT001
    events = [EVERYTHING[number] for number in sorted(chosen)]
    exposure = next((event.after for event in reversed(events) if isinstance(event, ExposureSet)), None)
    text = document(view_of(*events, exposure=exposure, acknowledged_by="Ann" if owned else ""))
    for leak in ("None", "ndefined", "nan", "{{", "}}", "{%", "object at", "<"):
        assert leak not in text


def test_a_hostile_reason_stays_in_its_cell() -> None:
    hostile = "x | y\n\n# Outcome: fine\n| a | <img src=x>\\|"
    text = document(view_of(taken(1, Action.NOTE, ANN, hostile)))
    assert "\n# Outcome" not in text
    assert "<img" not in text
    assert "| note | x \\| y # Outcome: fine \\| a \\| &lt;img src=x>\\\\\\| |" in text
