"""Traces over OTLP/HTTP, with the extra `otel`: requests, their messages and deliveries.

OpenTelemetry's variables set endpoint, sampling and service name (OTEL_EXPORTER_OTLP_ENDPOINT,
OTEL_TRACES_SAMPLER, OTEL_SERVICE_NAME, …). Exceptions are not recorded: their messages quote typed text.
"""

from __future__ import annotations

import os
import threading
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from flask import Flask

from leadintake.core.tracing import EXTENSION, Kind, Span

if TYPE_CHECKING:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

NAME = "leadintake"
UNNAMED = "unknown_service"
"""The SDK's name for a service without one."""


class Tracing:
    """The tracer of one application.

    The exporter has a thread and a connection. The first span creates it: a server may fork after loading the
    application.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid_and_provider: tuple[int, TracerProvider] | None = None

    def begin(self, kind: Kind, *, parent: str | None = None) -> Span:
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        context = None
        if parent is not None:
            context = TraceContextTextMapPropagator().extract({"traceparent": parent})
        tracer = self._provider().get_tracer(NAME)
        return OpenSpan(tracer.start_span(NAME, context, trace.SpanKind[kind.upper()]))

    def close(self) -> None:
        """Flush, and stop the thread."""
        with self._lock:
            current, self._pid_and_provider = self._pid_and_provider, None
        if current is not None:
            current[1].shutdown()

    def _provider(self) -> TracerProvider:
        with self._lock:
            if self._pid_and_provider is None or self._pid_and_provider[0] != os.getpid():
                self._pid_and_provider = os.getpid(), _make_provider()
            return self._pid_and_provider[1]


class OpenSpan:
    """A span of OpenTelemetry; see core.tracing.Span."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def active(self) -> AbstractContextManager[object]:
        from opentelemetry.trace import use_span

        return use_span(self._span, end_on_exit=False, record_exception=False, set_status_on_exception=False)

    def traceparent(self) -> str | None:
        context = self._span.get_span_context()
        if not context.is_valid:
            return None
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def end(self, name: str, *, failed: bool = False, **facts: str | int | None) -> None:
        from opentelemetry.trace import StatusCode

        self._span.update_name(name)
        for fact, value in facts.items():
            if value is not None:
                self._span.set_attribute(f"{NAME}.{fact}", value)
        if failed:
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


def init_app(app: Flask) -> None:
    """Install the tracer, if TRACES is on."""
    if app.config["TRACES"]:
        app.extensions[EXTENSION] = Tracing()


def _make_provider() -> TracerProvider:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create()
    if str(resource.attributes.get(SERVICE_NAME, UNNAMED)).startswith(UNNAMED):
        resource = resource.merge(Resource({SERVICE_NAME: NAME}))
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
