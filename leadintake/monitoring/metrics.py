"""Prometheus metrics: measures of all processes of this machine, and gauges read at each scrape."""

from __future__ import annotations

import functools
import platform
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import structlog
from flask import (
    Flask,
    Response,
    current_app,
    g,
    has_request_context,
    request,
    request_finished,
    request_started,
)
from sqlalchemy.exc import SQLAlchemyError

from leadintake.core import alarms, checks, measures
from leadintake.core.db.revisions import list_revisions
from leadintake.core.db.transaction import rollback
from leadintake.core.slots import Slots
from leadintake.monitoring import usage

if TYPE_CHECKING:
    from prometheus_client.core import Metric

REQUESTS = measures.Counter("leadintake_requests", "Requests answered", "endpoint", "method", "status")
SECONDS = measures.Histogram("leadintake_request_seconds", "Time to answer", "endpoint")
OPTIONAL_PARTS = ("redis", "scanner")
"""Parts that the service can do without, shown as up or down."""
log = structlog.get_logger()


class _Collector:
    def __init__(self, slots: Slots) -> None:
        self.slots = slots

    def collect(self) -> Iterator[Metric]:
        """Yield the measures and, inside an application context, the gauges."""
        yield from measures.families(self.slots)
        yield from usage.families(self.slots)
        if not current_app:
            return
        results = {**checks.results(parts=OPTIONAL_PARTS), **checks.readiness()}
        up = {part: float(not sentence) for part, sentence in results.items()}
        yield _gauge("leadintake_up", "Whether a part works", "part", up)
        if has_request_context():  # the file of `flask metrics` outlives the processes
            yield _build()
        if results.get("database", "not known") or results.get("revision"):
            return
        wrong = alarms.recent_problems()
        problems = {cause: float(cause in wrong) for cause in alarms.causes()}
        yield _gauge("leadintake_problem", "Whether somebody must act, by cause", "cause", problems)
        for name, (help_text, label, read) in current_app.extensions.get("leadintake.gauges", {}).items():
            try:
                yield _gauge(name, help_text, label, read())
            except SQLAlchemyError as error:
                rollback()
                log.warning("gauge_not_read", gauge=name, error=type(error).__name__)


def init_app(app: Flask) -> None:
    """Install the collector, and count requests when answered."""
    app.extensions["leadintake.measures"] = _Collector(measures.slots_of(app))
    request_started.connect(_start, app)
    request_finished.connect(_finish, app)


def text() -> bytes:
    """Return the metrics in Prometheus' text format."""
    from prometheus_client import CollectorRegistry, generate_latest

    collector: _Collector = current_app.extensions["leadintake.measures"]
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry)


def _gauge(name: str, help_text: str, label: str, numbers: Mapping[str, float]) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    gauge = GaugeMetricFamily(name, help_text, labels=[label] if label else [])
    for value, number in numbers.items():
        gauge.add_metric([value] if label else [], number)
    return gauge


@functools.cache
def _build() -> Metric:
    """Return version, revision and Python."""
    from prometheus_client.core import GaugeMetricFamily

    labels = {
        "version": version("leadintake"),
        "revision": max(list_revisions()),
        "python": platform.python_version(),
    }
    build = GaugeMetricFamily("leadintake_build_info", "The code that runs", labels=list(labels))
    build.add_metric(list(labels.values()), 1)
    return build


def _start(_app: Flask, **_: Any) -> None:
    g.started = time.perf_counter()


def _finish(app: Flask, response: Response, **_: Any) -> None:
    slots, endpoint = measures.slots_of(app), request.endpoint
    method = request.method if endpoint else "ANY"
    REQUESTS.count(endpoint or "none", method, str(response.status_code), slots=slots)
    if started := g.get("started"):
        SECONDS.observe(time.perf_counter() - started, endpoint or "none", slots=slots)
