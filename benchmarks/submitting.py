"""A submission costs little more than making it durable, also among many leads and in a burst of 64."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from flask import Flask

from benchmarks.grow import add_leads
from benchmarks.stage import application, seconds, size
from leadintake.demo.people import resume_of

PDF = resume_of("Jane Doe")
BURST = size(64, 4)
MANY = size(100_000, 20)


def measure(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Yield what was compared, the ratio, and the ratio wanted."""
    app = application(folder, "submitting")
    alone = seconds(lambda: submit(app), 40)
    floor = seconds(lambda: sync(folder), 40)
    yield "a submission to three syncs of the disk", alone / floor, 60

    def burst() -> None:
        with ThreadPoolExecutor(BURST) as crowd:
            list(crowd.map(lambda _: submit(app), range(BURST)))

    yield f"a burst of {BURST}, each, to one alone", seconds(burst, 3) / BURST / alone, 3
    add_leads(app, MANY)
    yield f"a submission among {MANY} leads to one among few", seconds(lambda: submit(app), 40) / alone, 3


def submit(app: Flask) -> None:
    """Be a prospect with an address of their own."""
    form = {"first_name": "Jane", "last_name": "Doe", "email": f"{os.urandom(4).hex()}@example.com"}
    answer = app.test_client().post(
        "/public/leads", data={**form, "resume_file": (io.BytesIO(PDF), "resume.pdf")}
    )
    assert answer.status_code == 201, answer.text


def sync(folder: Path) -> None:
    """Write a file as a submission does, three times, and wait for the disk."""
    for _ in range(3):
        with (folder / "sync").open("wb") as file:
            file.write(PDF)
            file.flush()
            os.fsync(file.fileno())
