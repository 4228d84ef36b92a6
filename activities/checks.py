"""Run the integrity checks of the site, and keep the evidence that they find."""

from __future__ import annotations

from collections.abc import Mapping

from temporalio import activity

from activities.beating import beating
from activities.failures import told_to_temporal
from backout.errors import UnknownName
from backout.messages import CheckResult
from backout.ports import Check, Store
from backout.provenance import evidence_of, name_of, text_of
from backout.requests import RunCheck


class CheckActivities:
    """The checks of the site."""

    def __init__(self, *, checks: Mapping[str, Check], store: Store) -> None:
        """Serve these checks, by name; evidence is kept in the store."""
        self._checks = checks
        self._store = store

    @activity.defn
    async def run_check(self, request: RunCheck) -> CheckResult:
        """Look at the world once. What was asked for stops with the activity: a command is ended."""
        with told_to_temporal():
            if request.check not in self._checks:
                raise UnknownName(kind="check", name=request.check, known=self._checks)
            async with beating():
                result = await self._checks[request.check].run(asked=request)
                return await self._kept(result, request) if result.outputs else result

    async def _kept(self, result: CheckResult, request: RunCheck) -> CheckResult:
        """Keep the outputs as a document; the result has the first of them, and the document's digest."""
        evidence = evidence_of(result.outputs)
        if request.incident:
            name = name_of(request.check, evidence)
            text = text_of(result.outputs)
            kept = await self._store.put_document(incident=request.incident, name=name, text=text)
            evidence = evidence.model_copy(update={"location": kept.location})
        return result.model_copy(update={"outputs": (), "evidence": evidence})
