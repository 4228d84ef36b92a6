"""Every scenario of an incident or a rollout whose history is kept."""

from __future__ import annotations

from tests.replay import choice_scenarios, revert_scenarios, rollout_scenarios, scenarios, set_scenarios

SCENARIOS = (
    scenarios.SCENARIOS
    | revert_scenarios.SCENARIOS
    | choice_scenarios.SCENARIOS
    | set_scenarios.SCENARIOS
    | rollout_scenarios.SCENARIOS
)
