"""Integrity checks as the site file opens them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from adapters.checks.opening import Reach, open_check
from backout import ports
from backout.checks import Check
from backout.messages import CheckResult
from backout.requests import RunCheck
from backout.secret import SecretRef

CHECK: TypeAdapter[Check] = TypeAdapter(Check)


class Checks:
    """Opens checks in a folder, runs them, and closes what they opened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets: dict[str, str] = {}
        self.sources: dict[str, ports.Source] = {}
        self.registry: ports.Registry | None = None
        self.opened: list[ports.Check] = []

    def open(self, **config: Any) -> ports.Check:  # noqa: ANN401  # any field of a check
        """Open a check of the site file."""
        reach = Reach(self._secret, lambda text: self.folder / text, self.sources.__getitem__, self._registry)
        check = open_check("looked", CHECK.validate_python({"timeout": "20s"} | config), reach)
        self.opened.append(check.behind)
        return check

    async def run(
        self,
        *,
        service: str = "chat",
        release: str = "r2",
        baseline: str | None = "r1",
        key: str = "k",
        **config: Any,  # noqa: ANN401  # as above
    ) -> CheckResult:
        """Open a check and look once."""
        asked = RunCheck(check="looked", service=service, release=release, baseline=baseline, key=key)
        return await self.open(**config).run(asked=asked)

    async def aclose(self) -> None:
        """Close what was opened."""
        for check in self.opened:
            if close := getattr(check, "aclose", None):
                await close()

    def _secret(self, ref: SecretRef) -> str:
        return self.secrets[ref.env or ""]

    def _registry(self) -> ports.Registry:
        assert self.registry
        return self.registry


def secret(checks: Checks, value: str, name: str = "SECRET") -> Mapping[str, str]:
    """Set a secret and return where it is."""
    checks.secrets[name] = value
    return {"env": name}
