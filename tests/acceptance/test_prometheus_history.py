"""An alert comes late: the history of a real Prometheus has the evidence by then."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from tests import monitoring
from tests.acceptance.running import until
from tests.acceptance.test_prometheus_end_to_end import (
    CANDIDATE,
    PLAYBOOK,
    RULES,
    monitored,
    of_kind,
    sees_everything,
)

pytestmark = monitoring.NEEDED

SUSTAIN = timedelta(seconds=10)
"""So long it takes to fire, from no evidence on."""
WINDOW = timedelta(seconds=8)
"""So long detect has: too short without history, and long enough for one look on a busy machine."""
REQUESTS_A_SECOND = 200
LATE = RULES.replace("for: 1s", "for: 18s")
LOOKING_BACK = PLAYBOOK.replace("sustain: 3s", f"sustain: {SUSTAIN.seconds}s").replace(
    "step: detect, owner: on_call, within: 1m",
    f"step: detect, owner: on_call, look_back: 1h, within: {WINDOW.seconds}s",
)


def test_detect_looks_back_and_fires_sooner_than_evidence_from_zero_could(tmp_path: Path) -> None:
    with monitored(tmp_path, playbook=LOOKING_BACK, rules=LATE) as (service, running):
        until(lambda: sees_everything(running), "Prometheus has numbers for the doctor")
        service.is_bad.set()
        until(lambda: running.json("incidents", "list"), "the webhook has opened an incident")

        def told(kind: str) -> list[dict[str, Any]]:
            return of_kind(running.json("incidents", "timeline", f"chat/{CANDIDATE}"), kind)

        until(lambda: told("StepFinished") or told("StepTimedOut"), "detect is over")
        (judged, *_), late = told("SignalsJudged"), told("StepTimedOut")
    evaluation = judged["evaluation"]
    assert not late
    assert (evaluation["outcome"], evaluation["rule"]) == ("fired", "critical")
    assert evaluation["not_counted"] == []
    (factor,) = evaluation["factors"]
    assert factor["judged"] > REQUESTS_A_SECOND * WINDOW.seconds
