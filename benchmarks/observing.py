"""Logs and metrics cost little of the processor's time that a submission takes."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import structlog
from flask import Flask, request_finished, request_started
from werkzeug.test import EnvironBuilder

from benchmarks.stage import application, size
from benchmarks.submitting import PDF
from leadintake.core.http.request_log import LogRequests

PAIRS, WARM = size(200, 2), size(20, 1)


def measure(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Yield what was compared, the ratio, and the ratio wanted."""
    with (folder / "observing.log").open("w") as file, _log_in(file):
        app = application(folder, "observing", LOG_FORMAT="json")
        assert isinstance(app.wsgi_app, LogRequests)
        taken: dict[bool, list[float]] = {True: [], False: []}
        for number in range(2 * (PAIRS + WARM)):
            observed = number % 2 == 0
            with contextlib.nullcontext() if observed else _unobserved(app):
                cost = _submit(app)
            if number >= 2 * WARM:
                taken[observed].append(cost)
    lines = (folder / "observing.log").read_text().count('"event": "request"')
    assert lines == PAIRS + WARM, f"{lines} lines of requests"
    with_all, without = (statistics.median(taken[observed]) for observed in (True, False))
    yield "processor time of a submission with logs and metrics to without", with_all / without, 1.05


@contextlib.contextmanager
def _log_in(file: Any) -> Iterator[None]:
    """Have lines of the log be written to a file, as those of a service are."""
    usual, sys.__stderr__ = sys.__stderr__, file  # type: ignore[misc] # where core.logs writes
    try:
        yield
    finally:
        sys.__stderr__ = usual  # type: ignore[misc]


@contextlib.contextmanager
def _unobserved(app: Flask) -> Iterator[None]:
    """No line is written, nothing is counted."""
    whole, loud = app.wsgi_app, structlog.get_config()["wrapper_class"]
    app.wsgi_app = whole._application  # type: ignore[attr-defined, method-assign] # asserted above
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with request_started.muted(), request_finished.muted():
        try:
            yield
        finally:
            app.wsgi_app = whole  # type: ignore[method-assign]
            structlog.configure(wrapper_class=loud)


def _submit(app: Flask) -> float:
    """Submit a form as a server hands it on; return the processor time the answer took."""
    form = {"first_name": "Jane", "last_name": "Doe", "email": f"{os.urandom(4).hex()}@example.com"}
    builder = EnvironBuilder("/public/leads", method="POST", data={**form})
    builder.files.add_file("resume_file", io.BytesIO(PDF), "resume.pdf")
    environ, told = builder.get_environ(), []
    start = time.process_time()
    body: Iterable[bytes] = app.wsgi_app(environ, lambda status, *_: told.append(status))
    b"".join(body)
    body.close()  # type: ignore[attr-defined] # every body of Flask's has it
    taken = time.process_time() - start
    assert told == ["201 CREATED"], told
    return taken
