"""A history's commands as text that people can review, line by line."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from temporalio.client import WorkflowHistory

from tests.replay.commands import Command, Json

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
_SECONDS = re.compile(r"\d+(\.\d+)?s")
_LONG = re.compile(r'"(\d\d+) s"')
_PASSING = {re.compile(r"\bact-\d+\b"): "act", re.compile(r"\b\d{8}T\d{6}Z\b"): "<time>"}
"""What is new in every run, and what is written instead."""
_MOMENTS_S = 10
"""Moments are told so precisely: how long a run itself takes must not show."""
_OF_THE_REPLAY = {"namespace", "task_queue", "protocol_instance_id"}
"""Fields that say where a replay runs, or how an answer finds its asker."""
_VARIES = re.compile(r"(arguments|args|input|result|completed|workflow_id|start_to_fire_timeout)\b")
"""What depends on what happened beside each other, and in which order."""
_SHOWN = 60
"""So many characters of a value are shown where it comes again."""


def digest(history: WorkflowHistory, commands: Sequence[Command]) -> str:
    """Return all commands in their order. Of each kind, the first is written out, then only what changed."""
    return "\n".join(_lines(_Plain(history), commands)) + "\n"


def kinds(history: WorkflowHistory, commands: Sequence[Command]) -> set[str]:
    """Return the kinds of commands with their timeouts and retries: what every run of a scenario has.

    What runs beside the steps meets them at another moment in each run; the exact digests have it.
    """
    plain = _Plain(history)
    found = {_kind(plain, command) for command in commands}
    return {kind for kind in found if not any(name in kind for name in _BESIDE)}


_BESIDE = (
    "count_requests",
    "before requests are counted",
    "before people are paged",
    "before the exposure is read",
    "who is hit?",
    "request_cancel_activity read_exposure",
    "gathers news",
    "page_people",
    "publish_timeline",
)


def _kind(plain: _Plain, command: Command) -> str:
    leaves = plain.leaves(command.fields)
    kept = [f"{path} = {_in_tens(value)}" for path, value in leaves.items() if not _VARIES.match(path)]
    # "keep and tell events 4 to 6": how many news come together is a matter of speed.
    return re.sub(r"events \d+ to \d+", "events", "\n  ".join([plain.title(command), *kept]))


def _in_tens(value: str) -> str:
    """Round a long time up: what is left of a window is less where the run itself took a while."""
    found = _LONG.fullmatch(value)
    return f'"{math.ceil(int(found[1]) / 10) * 10} s"' if found else value


def _lines(plain: _Plain, commands: Sequence[Command]) -> Iterator[str]:
    last: dict[str, dict[str, str]] = {}
    seen: set[str] = set()
    for command in commands:
        title = plain.title(command)
        leaves, before = plain.leaves(command.fields), last.get(title, {})
        yield title
        for path, value in leaves.items():
            if before.get(path) != value:
                yield f"  {path} = {_again(value) if value in seen else value}"
        yield from (f"  {path} is gone" for path in before if path not in leaves)
        last[title] = leaves
        seen.update(leaves.values())


def _again(value: str) -> str:
    """Shorten a long value that the reader has seen; its hash still tells it from every other."""
    return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}... {sha256(value.encode()).hexdigest()[:12]}"


class _Plain:
    """Writes values without what is new in every run: its id, the numbers of acts, the time of day."""

    def __init__(self, history: WorkflowHistory) -> None:
        first = history.events[0]
        started = first.workflow_execution_started_event_attributes
        self._start = first.event_time.ToDatetime(UTC)
        self._runs = {started.first_execution_run_id, started.parent_workflow_execution.run_id} - {""}

    def title(self, command: Command) -> str:
        """Return what a command is called."""
        return f"{command.kind} {self._text(command.name)}".rstrip()

    def leaves(self, fields: Json) -> dict[str, str]:
        """Return every single value by its path; an object in a list is one value."""
        kept = {name: value for name, value in fields.items() if name not in _OF_THE_REPLAY and value != {}}
        if str(kept.get("activity_id", "")).isdecimal():
            del kept["activity_id"]  # A number that the SDK counts up; the others are names that we gave.
        return dict(self._walk(self._plain(kept), ""))

    def _walk(self, value: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401  # any JSON
        if isinstance(value, dict) and value:
            for name, child in value.items():
                yield from self._walk(child, f"{path}.{name}" if path else name)
        elif isinstance(value, list) and path.endswith(("arguments", "input")):
            yield from self._walk({str(number): child for number, child in enumerate(value)}, path)
        elif isinstance(value, list) and value:
            for number, child in enumerate(value):
                yield f"{path}.{number}", json.dumps(child, ensure_ascii=False)
        elif path:
            yield path, json.dumps(value, ensure_ascii=False)

    def _plain(self, value: Any) -> Any:  # noqa: ANN401  # any JSON
        if isinstance(value, dict):
            return {name: self._plain(child) for name, child in value.items()}
        if isinstance(value, list):
            return [self._plain(child) for child in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        if _MOMENT.fullmatch(text):
            return self._moment(datetime.fromisoformat(text), text)
        if _SECONDS.fullmatch(text):
            seconds = float(text[:-1])
            return f"{round(seconds, 0 if seconds >= _MOMENTS_S else 1):g} s"
        for run in self._runs:
            text = text.replace(run, "<run>")
        for passing, instead in _PASSING.items():
            text = passing.sub(instead, text)
        return text

    def _moment(self, moment: datetime, text: str) -> str:
        """Return a moment of the run as its distance from the start."""
        if moment < self._start - timedelta(seconds=1):
            return text
        tens = round((moment - self._start).total_seconds() / _MOMENTS_S)
        return f"start + {tens * _MOMENTS_S} s"
