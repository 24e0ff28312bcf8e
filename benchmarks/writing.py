"""Two processes of eight threads that all write to SQLite wait about as long, each of them."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sqlalchemy as sa

from benchmarks.stage import application, size
from leadintake import create_app
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction

PROCESSES, THREADS, SECONDS = size(2, 1), 8, size(8.0, 0.5)
HOLD_SECONDS = 0.003
WRITE = sa.text("UPDATE locks SET updated_at = updated_at WHERE name = 'readiness'")


def measure(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Yield what was compared, the ratio, and the ratio wanted."""
    application(folder, "writing")
    start = time.time() + 4 * PROCESSES
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as processes:
        taken = processes.starmap(write_in_turn, [(folder, start)] * PROCESSES)
    times = sorted(one for some in taken for one in some)
    mean, p99 = statistics.mean(times), times[len(times) * 99 // 100]
    print(
        f"  {len(times) / SECONDS:.0f} transactions a second, mean {mean * 1000:.1f} ms,"
        f" p99 {p99 * 1000:.1f} ms, longest {times[-1] * 1000:.1f} ms; by process {[*map(len, taken)]}"
    )
    yield "the 99th of 100 writers of two processes to the mean", p99 / mean, 3


def write_in_turn(folder: Path, start: float) -> list[float]:
    """Write in several threads from `start` on; return what each transaction took, with its wait."""
    app = create_app(INSTANCE_PATH=str(folder / "writing"), WORKER="external", WATCHDOG="external")
    taken: list[float] = []

    def write(_number: int) -> None:
        while time.time() < start:
            time.sleep(0.01)
        while time.time() < start + SECONDS:
            began = time.perf_counter()
            with app.app_context(), transaction():
                db.session.execute(WRITE)
                time.sleep(HOLD_SECONDS)
            taken.append(time.perf_counter() - began)

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(write, range(THREADS)))
    return taken
