"""What Prometheus reads: what rooms measured in all processes of this machine, and gauges read now."""

from __future__ import annotations

import functools
import platform
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

import structlog
from alembic.script import ScriptDirectory
from flask import Flask, Response, current_app, g, request, request_finished, request_started
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy.exc import SQLAlchemyError

from leadintake.core import alarms, checks, measures
from leadintake.core.database import migrations_folder
from leadintake.core.slots import Slots
from leadintake.core.transaction import rollback

REQUESTS = measures.Counter("leadintake_requests", "Requests answered", "endpoint", "method", "status")
SECONDS = measures.Histogram("leadintake_request_seconds", "Time to answer", "endpoint")
BESIDE_READINESS = ("redis", "scanner")
"""Parts that are shown up or down though the service goes on without them."""
log = structlog.get_logger()


class _Collector:
    """The metrics of one application."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """What was measured; inside the application also what is so now."""
        yield from measures.families(self.slots)
        if not current_app:
            return
        results = {**checks.results(parts=BESIDE_READINESS), **checks.readiness()}
        up = {part: float(not sentence) for part, sentence in results.items()}
        yield _gauge("leadintake_up", "Whether a part works", "part", up)
        yield _build()
        if results.get("database", "not known") or results.get("revision"):
            return
        wrong = alarms.wrong()
        problems = {cause: float(cause in wrong) for cause in alarms.names()}
        yield _gauge("leadintake_problem", "Whether somebody must act, by cause", "cause", problems)
        for name, (help_text, label, read) in current_app.extensions.get("leadintake.gauges", {}).items():
            try:
                yield _gauge(name, help_text, label, read())
            except SQLAlchemyError as error:
                rollback()
                log.warning("gauge_not_read", gauge=name, error=type(error).__name__)


def init_app(app: Flask) -> None:
    """Count requests once their answer is final."""
    app.extensions["leadintake.measures"] = _Collector(measures.slots_of(app))
    request_started.connect(_start, app)
    request_finished.connect(_finish, app)


def text() -> bytes:
    """The exposition."""
    collector: _Collector = current_app.extensions["leadintake.measures"]
    return generate_latest(collector.registry)


def _gauge(name: str, help_text: str, label: str, numbers: Mapping[str, float]) -> Metric:
    gauge = GaugeMetricFamily(name, help_text, labels=[label] if label else [])
    for value, number in numbers.items():
        gauge.add_metric([value] if label else [], number)
    return gauge


@functools.cache
def _build() -> Metric:
    """Which code this is: constant while a process lives."""
    labels = {
        "version": version("leadintake"),
        "revision": ScriptDirectory(str(migrations_folder())).get_current_head() or "",
        "python": platform.python_version(),
    }
    build = GaugeMetricFamily("leadintake_build_info", "The code that runs", labels=list(labels))
    build.add_metric(list(labels.values()), 1)
    return build


def _start(_app: Flask, **_: Any) -> None:
    g.started = time.perf_counter()


def _finish(app: Flask, response: Response, **_: Any) -> None:
    slots = measures.slots_of(app)
    endpoint = request.endpoint or "none"
    method = request.method if request.endpoint else "ANY"
    REQUESTS.count(endpoint, method, str(response.status_code), slots=slots)
    if "started" in g:
        SECONDS.observe(time.perf_counter() - g.started, endpoint, slots=slots)
