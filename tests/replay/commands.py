"""What a workflow asks of the engine, heard while one of its histories is replayed on today's code.

A replay compares types and order only. The commands that today's code gives meanwhile tell the rest: inputs,
timeouts, retry policies and the durations of timers. They depend on nothing but the history and the code.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import (
    Replayer,
    WorkflowInstance,
    WorkflowInstanceDetails,
    WorkflowRunner,
)

from worker import sandbox
from workflows.incident import Incident
from workflows.revert import StagedRevert
from workflows.watch import ReleaseWatch

Json: TypeAlias = dict[str, Any]
_REFERRED = {
    "cancel_timer": "start_timer",
    "request_cancel_activity": "schedule_activity",
    "cancel_child_workflow_execution": "start_child_workflow_execution",
}
"""Commands that name another only by its number, and what they name."""


@dataclass(frozen=True)
class Command:
    """One command, its payloads decoded."""

    kind: str
    name: str
    """What it is about: the activity's type, the timer's summary, the child's id ..."""
    fields: Json


@dataclass
class Heard:
    """The commands of one run so far."""

    commands: list[Command] = field(default_factory=list)
    _names: dict[tuple[str, int], str] = field(default_factory=dict)

    def listen(self, completion: Message) -> None:
        """Take in what a workflow answered to one activation."""
        said = MessageToDict(completion, preserving_proto_field_name=True)
        for command in said.get("successful", {}).get("commands", ()):
            self._add(_decoded(command))

    def _add(self, command: Json) -> None:
        metadata = command.pop("user_metadata", {})
        command.pop("event_group_markers", None)  # which update it belongs to: a number of the run
        ((kind, fields),) = command.items()
        number = int(fields.pop("seq", 0))
        name = self._names.get((_REFERRED.get(kind, ""), number)) or _name(kind, fields, metadata)
        self._names[kind, number] = name
        self.commands.append(Command(kind, name, fields | metadata))


async def replayed(history: WorkflowHistory, runner: WorkflowRunner | None = None) -> list[Command]:
    """Replay a history on today's code, in the worker's sandbox; return the commands that it gives meanwhile.

    Raises:
        NondeterminismError: it gives other commands, or in another order.
    """
    listening = _Listening(runner or sandbox())
    replayer = Replayer(
        workflows=[Incident, StagedRevert, ReleaseWatch],
        data_converter=pydantic_data_converter,
        workflow_runner=listening,
    )
    await replayer.replay_workflow(history)
    return listening.heard.commands


class _Listening(WorkflowRunner):
    """Runs workflows as another runner does, and hears what they answer."""

    def __init__(self, runner: WorkflowRunner) -> None:
        self.heard = Heard()
        self._runner = runner

    def prepare_workflow(self, defn: Any) -> None:  # noqa: ANN401  # the SDK's private type
        self._runner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        instance = self._runner.create_instance(det)
        activate: Callable[[Any], Any] = instance.activate

        def heard(activation: Any) -> Any:  # noqa: ANN401  # the SDK's private types
            completion = activate(activation)
            self.heard.listen(completion)
            return completion

        setattr(instance, "activate", heard)  # noqa: B010  # one method of one object
        return instance


def _name(kind: str, fields: Json, metadata: Json) -> str:
    """Return what a command is about."""
    if kind == "schedule_activity":
        return str(fields["activity_type"])
    if kind == "signal_external_workflow_execution":
        return str(fields["signal_name"])
    return str(fields.get("workflow_type") or metadata.get("summary") or "")


def _decoded(value: Any) -> Any:  # noqa: ANN401  # any part of a command
    """Return a part of a command with its payloads decoded."""
    if isinstance(value, list):
        return [_decoded(part) for part in value]
    if not isinstance(value, dict):
        return value
    if "metadata" in value and "encoding" in value["metadata"]:
        data = base64.b64decode(value.get("data", ""))
        return json.loads(data) if data else None
    # A map of a message comes in any order.
    return {name: _decoded(value[name]) for name in sorted(value)}
