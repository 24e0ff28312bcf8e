"""Submissions keep their speed while the mail server accepts and never says a word."""

from __future__ import annotations

import socket
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from flask import Flask

from benchmarks.stage import application, size
from benchmarks.submitting import submit
from leadintake.notifications import embedded

PEOPLE, SUBMISSIONS = 4, size(200, 4)
PROMISED_SECONDS = 1.0


def measure(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Yield what was compared, the ratio, and the ratio wanted."""
    usual = _p95(application(folder, "mailing", WORKER="embedded"))
    with socket.create_server(("127.0.0.1", 0)) as black_hole:
        server = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": black_hole.getsockname()[1], "MAIL_TIMEOUT": 2}
        silent = _p95(application(folder, "silent", WORKER="embedded", **server))
    yield "p95 of submissions beside silent mail to beside written mail", silent / usual, 2
    yield "p95 of submissions beside silent mail to the promised second", silent / PROMISED_SECONDS, 1


def _p95(app: Flask) -> float:
    taken = []

    def one(_number: int) -> None:
        start = time.perf_counter()
        submit(app)
        taken.append(time.perf_counter() - start)

    with ThreadPoolExecutor(PEOPLE) as people:
        list(people.map(one, range(SUBMISSIONS)))
    with app.app_context():
        embedded.stop()
    return statistics.quantiles(taken, n=20)[-1]
