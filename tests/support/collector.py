"""A collector of traces that speaks OTLP over HTTP, and keeps what it was sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Collector:
    """What came, as bytes and as spans."""

    def __init__(self, port: int, status: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.status = status
        self.bodies: list[bytes] = []
        self.paths: set[tuple[str, str]] = set()

    @property
    def resources(self) -> list[Any]:
        """Each export, with the resource it is of."""
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        requests = (ExportTraceServiceRequest.FromString(body) for body in self.bodies)
        return [found for request in requests for found in request.resource_spans]

    @property
    def spans(self) -> dict[str, Any]:
        """The spans by their names; the last of each name."""
        scopes = (scope for found in self.resources for scope in found.scope_spans)
        return {span.name: span for scope in scopes for span in scope.spans}


@contextmanager
def collecting(status: int = 200) -> Iterator[Collector]:
    """Run a collector that answers every export with `status`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.bodies.append(body)
            collector.paths.add((self.path, self.headers["Content-Type"]))
            self.send_response(collector.status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_of_every_request: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(server.server_port, status)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
