"""The kept histories: one folder for each scenario, one history and one digest for each of its workflows."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from temporalio.client import WorkflowHistory

from tests.replay.commands import Command, Json
from tests.replay.digest import digest

FOLDER = Path(__file__).with_name("golden")
AGAIN = "Is that what you want? Then review it and run 'make golden'."


@dataclass(frozen=True)
class Golden:
    """One kept history and the digest of its commands."""

    scenario: str
    workflow: str
    """`incident`, or which of its staged reverts: `revert-1`."""

    def __str__(self) -> str:
        return f"{self.scenario}/{self.workflow}"

    def history(self) -> WorkflowHistory:
        """Return the kept history."""
        kept = json.loads(gzip.decompress(self._history_file.read_bytes()))
        return WorkflowHistory.from_json(kept["workflow_id"], kept["history"])

    def changes(self, today: str) -> str:
        """Return how today's digest differs from the reviewed one; empty where it does not."""
        reviewed = self._digest_file.read_text(encoding="utf-8")
        lines = reviewed.splitlines(), today.splitlines()
        return "\n".join(unified_diff(*lines, "reviewed", "today", lineterm=""))

    def write(self, history: WorkflowHistory, commands: list[Command]) -> None:
        """Keep a history, and the digest of its commands."""
        kept = {"workflow_id": history.workflow_id, "history": _without_machine(history.to_json_dict())}
        self._digest_file.parent.mkdir(parents=True, exist_ok=True)
        packed = gzip.compress(json.dumps(kept, sort_keys=True).encode(), mtime=0)
        self._history_file.write_bytes(packed)
        self._digest_file.write_text(digest(history, commands), encoding="utf-8")

    @property
    def _digest_file(self) -> Path:
        return FOLDER / self.scenario / f"{self.workflow}.txt"

    @property
    def _history_file(self) -> Path:
        return FOLDER / self.scenario / f"{self.workflow}.json.gz"


def every_golden() -> list[Golden]:
    """Return everything that is kept."""
    files = sorted(FOLDER.glob("*/*.json.gz"))
    return [Golden(file.parent.name, file.name.removesuffix(".json.gz")) for file in files]


def _without_machine(value: Json) -> Json:
    """Replace the name and the paths of the machine that recorded it, which no replay looks at."""
    return json.loads(json.dumps(value), object_hook=_anonymous)  # type: ignore[no-any-return]


def _anonymous(fields: Json) -> Json:
    if fields.get("kind") == "TASK_QUEUE_KIND_STICKY":
        return fields | {"name": "golden"}
    if "stackTrace" in fields:
        fields |= {"stackTrace": ""}
    return fields | ({"identity": "golden"} if "identity" in fields else {})
