"""What a process of Backout tells about itself: settings, log lines, traces, metrics and health."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TextIO

from opentelemetry import trace
from pydantic import BeforeValidator, ValidationError
from temporalio import activity, workflow
from temporalio.contrib.opentelemetry import OpenTelemetryPlugin, create_tracer_provider
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from backout.errors import AddressTaken, BadSetting
from backout.model import Frozen

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
# Libraries whose own news is not news to an operator.
_QUIET = ("aiosqlite", "httpcore", "httpx", "slack_sdk", "temporalio", "uvicorn")
_KNOWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
}
_TEMPORAL_FIELDS = ("workflow_id", "activity_type", "attempt")
_LONGEST_REQUEST_S = 5.0


class Address(Frozen):
    """Where a process listens."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(value: object) -> object:
    """Turn `127.0.0.1:8091` or `[::1]:8091` into an address; leave anything but text alone.

    Raises:
        ValueError: the text has no host or no port.
    """
    if not isinstance(value, str):
        return value
    host, _, port = value.strip().rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004  # the last TCP port
        msg = f"'{value}' is not an address. Write it as host:port, such as 127.0.0.1:8091"
        raise ValueError(msg)
    return {"host": host.removeprefix("[").removesuffix("]"), "port": int(port)}


_Listen = Annotated[Address, BeforeValidator(parse_address)]


class Settings(Frozen):
    """What the environment says about a process, read once when it starts."""

    site: str = "site.yaml"
    """BACKOUT_SITE: the path of the site file."""
    worker_health: _Listen = Address(host="127.0.0.1", port=8091)
    """BACKOUT_WORKER_HEALTH: where the worker answers /healthz."""
    metrics: _Listen = Address(host="127.0.0.1", port=8092)
    """BACKOUT_METRICS: where the worker shows the metrics of its Temporal SDK."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """BACKOUT_LOG_LEVEL: the least that is worth a log line."""
    ui: str = ""
    """BACKOUT_UI: the address of Temporal's UI, where the site file names none."""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings that an environment names.

        Raises:
            BadSetting: a variable holds what it cannot hold.
        """
        given = {
            name: environ[variable] for name in cls.model_fields if environ.get(variable := _variable(name))
        }
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            raise BadSetting(
                name=_variable(str(first["loc"][0])), why=first["msg"].removeprefix("Value error, ")
            ) from error


def _variable(field: str) -> str:
    return f"BACKOUT_{field.upper()}"


class LogLine(logging.Formatter):
    """One event, one line: `2026-01-31T08:00:00.000Z info worker: Started temporal=127.0.0.1:7233`."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the record; what was given as `extra` follows as `name=value`."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = f"{at.removesuffix('+00:00')}Z {record.levelname.lower()} {record.name}: {record.getMessage()}"
        line += "".join(f" {name}={_quoted(value)}" for name, value in _extra(record))
        if record.exc_info and record.exc_info[1]:
            # A warning is about something that is expected to go wrong: its message is enough.
            whole = record.levelno >= logging.ERROR
            error = self.formatException(record.exc_info) if whole else str(record.exc_info[1])
            line += f" error={_quoted(error)}"
        return " ".join(line.splitlines())


def _extra(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    for name, value in vars(record).items():
        if name in {"temporal_activity", "temporal_workflow"}:
            yield from ((field, value[field]) for field in _TEMPORAL_FIELDS if field in value)
        elif name not in _KNOWN_FIELDS and not name.startswith("_") and isinstance(value, str | int | float):
            yield name, value


def _quoted(value: object) -> str:
    text = str(value)
    return json.dumps(text) if not text or any(mark in text for mark in ' "=\n') else text


def set_up_logging(settings: Settings, *, stream: TextIO = sys.stderr) -> None:
    """Send the log lines of the whole process to a stream, in one form."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LogLine())
    # Temporal's loggers repeat their context in every message; it follows as fields.
    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False
    logging.basicConfig(level=_LEVELS[settings.log_level], handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, _LEVELS[settings.log_level]))


@contextmanager
def tracing(service: str, environ: Mapping[str, str]) -> Iterator[tuple[OpenTelemetryPlugin, ...]]:
    """Export traces by OTLP over HTTP while open, where the environment names an endpoint.

    Yield the plugins for Temporal's client. Without an endpoint nothing is set up: spans cost time, and
    nobody would see them. The exporter reads the rest of OpenTelemetry's own variables itself.
    """
    if not any(environ.get(f"OTEL_EXPORTER_OTLP_{kind}ENDPOINT") for kind in ("", "TRACES_")):
        yield ()
        return
    # The exporter costs 0.1 s, so it is imported only where there is something to export to.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    name = environ.get("OTEL_SERVICE_NAME") or service
    provider = create_tracer_provider(resource=Resource.create({SERVICE_NAME: name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    try:
        yield (OpenTelemetryPlugin(add_temporal_spans=True),)
    finally:
        provider.shutdown()


def metered_runtime(settings: Settings) -> Runtime:
    """Return a Temporal runtime that shows the SDK's metrics, named and measured as Prometheus does.

    Raises:
        AddressTaken: something else listens there.
    """
    metrics = PrometheusConfig(
        bind_address=str(settings.metrics),
        counters_total_suffix=True,
        unit_suffix=True,
        durations_as_seconds=True,
    )
    try:
        return Runtime(telemetry=TelemetryConfig(metrics=metrics))
    except ValueError as error:
        raise AddressTaken(
            what="The metrics page",
            address=settings.metrics,
            why=error,
            remedy="name another in BACKOUT_METRICS",
        ) from error


Health = Callable[[], Awaitable[dict[str, Any]]]
"""Tells how a process is; its `status` is `ok` only when the process can do its work."""


@asynccontextmanager
async def health_page(at: Address, health: Health) -> AsyncIterator[Address]:
    """Answer `GET /healthz` while open: 200 when the health's status is `ok`, else 503. Yield where.

    Raises:
        AddressTaken: something else listens there.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_LONGEST_REQUEST_S):
                request = await reader.readuntil(b"\r\n\r\n")
                writer.write(await _response(request, health))
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # Whoever asked is gone, or did not speak HTTP.
        finally:
            writer.close()

    try:
        server = await asyncio.start_server(answer, at.host, at.port)
    except OSError as error:
        raise AddressTaken(
            what="The health page",
            address=at,
            why=os.strerror(error.errno or 0),
            remedy="name another in BACKOUT_WORKER_HEALTH",
        ) from error
    async with server:
        yield Address(host=at.host, port=server.sockets[0].getsockname()[1])


async def _response(request: bytes, health: Health) -> bytes:
    if request.split(b" ")[:2] != [b"GET", b"/healthz"]:
        status, body = "404 Not Found", {"error": "Only GET /healthz is answered here."}
    else:
        body = await health()
        status = "200 OK" if body["status"] == "ok" else "503 Service Unavailable"
    text = json.dumps(body) + "\n"
    head = (
        f"HTTP/1.1 {status}",
        "Content-Type: application/json",
        f"Content-Length: {len(text)}",
        "Connection: close",
    )
    return "\r\n".join((*head, "", text)).encode()
