"""A collector of traces on loopback: it takes OTLP over HTTP and keeps the spans."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Span(NamedTuple):
    """What the tests ask of a span."""

    service: str
    name: str
    trace: str


class Collector:
    """The spans that came in, and where they are sent to."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self.spans: list[Span] = []

    def take(self, body: bytes) -> None:
        """Keep the spans of one export."""
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {
                attribute.key: attribute.value.string_value for attribute in resource.resource.attributes
            }
            for scope in resource.scope_spans:
                self.spans += [
                    Span(named["service.name"], span.name, span.trace_id.hex()) for span in scope.spans
                ]

    def of_trace(self, name: str) -> set[tuple[str, str]]:
        """Return service and name of every span in the traces that have a span of this name."""
        traces = {span.trace for span in self.spans if span.name == name}
        return {(span.service, span.name) for span in self.spans if span.trace in traces}


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(server.server_address[1])
        Thread(target=server.serve_forever, daemon=True).start()
        yield collector
        server.shutdown()
