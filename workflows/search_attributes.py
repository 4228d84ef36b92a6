"""What incidents are found by in Temporal's UI and in lists."""

from __future__ import annotations

from temporalio.common import SearchAttributeKey

SERVICE = SearchAttributeKey.for_keyword("BackoutService")
RELEASE = SearchAttributeKey.for_keyword("BackoutRelease")
PLAYBOOK = SearchAttributeKey.for_keyword("BackoutPlaybook")
SEVERITY = SearchAttributeKey.for_keyword("BackoutSeverity")
PHASE = SearchAttributeKey.for_keyword("BackoutPhase")
OUTCOME = SearchAttributeKey.for_keyword("BackoutOutcome")
ALL = (SERVICE, RELEASE, PLAYBOOK, SEVERITY, PHASE, OUTCOME)
