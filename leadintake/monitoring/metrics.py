"""What Prometheus reads: requests, and whatever other rooms measure."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, current_app, g, request, request_finished, request_started
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily

from leadintake.core import checks


class _Measures:
    """The collectors of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "leadintake_requests",
            "Requests answered",
            ["endpoint", "method", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "leadintake_request_seconds", "Time to answer", ["endpoint"], registry=self.registry
        )
        self.registry.register(self)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges, read when asked for."""
        if not current_app:
            return
        up = GaugeMetricFamily("leadintake_up", "Whether a part works", labels=["part"])
        results = checks.readiness()
        for part, sentence in results.items():
            up.add_metric([part], 0 if sentence else 1)
        yield up
        for name, (help_text, label, read) in current_app.extensions.get("leadintake.gauges", {}).items():
            gauge = GaugeMetricFamily(name, help_text, labels=[label])
            unusable = results.get("database", "not known") or results.get("revision")
            for value, number in ({} if unusable else read()).items():
                gauge.add_metric([value], number)
            yield gauge


def init_app(app: Flask) -> None:
    """Count requests once their answer is final."""
    app.extensions["leadintake.measures"] = _Measures()
    request_started.connect(_start, app)
    request_finished.connect(_finish, app)


def text() -> bytes:
    """The exposition."""
    measures: _Measures = current_app.extensions["leadintake.measures"]
    return generate_latest(measures.registry)


def _start(_app: Flask, **_: Any) -> None:
    g.started = time.perf_counter()


def _finish(app: Flask, response: Response, **_: Any) -> None:
    measures: _Measures = app.extensions["leadintake.measures"]
    endpoint = request.endpoint or "none"
    measures.requests.labels(
        endpoint, request.method if request.endpoint else "ANY", response.status_code
    ).inc()
    if "started" in g:
        measures.seconds.labels(endpoint).observe(time.perf_counter() - g.started)
