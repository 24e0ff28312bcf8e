"""Memory that a server takes for many large files at once: anonymous memory of all its processes."""

from __future__ import annotations

import http.client
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.loading import COMMANDS, GEVENT, GRANIAN, list_processes, make_resume
from benchmarks.stage import BOUNDARY, SMOKE, application, form_of, server, size

UPLOADS, MEGABYTES = size(32, 2), size(20, 1)
MOST_MEGABYTES = 80
MEGABYTE = 1 << 20


def measure(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Yield what was counted, and what is wanted."""
    small, large = make_resume(768 * 256), make_resume(768 * (MEGABYTES * MEGABYTE // 768))
    for name in (GRANIAN,) if SMOKE else (GRANIAN, GEVENT):
        home = folder / f"uploading-{name}"
        application(folder, home.name)
        settings = {
            "INSTANCE_PATH": str(home),
            "WORKER": "external",
            "RATE_LIMIT_SUBMISSIONS": "",
            "BODIES_PER_ADDRESS": "0",
            "MAX_UPLOAD_BYTES": str((MEGABYTES + 1) * MEGABYTE),
        }
        environment = {f"LEADINTAKE_{key}": value for key, value in settings.items()}
        with server(COMMANDS[name], "wsgi:app", environment) as (port, session):
            for _ in range(3):  # its threads and workers are there afterwards
                _upload_all(port, small)
            before = _anonymous_megabytes(session)
            with _watch_memory(session) as seen:
                answers = _upload_all(port, large)
        what = f"{UPLOADS} files of {MEGABYTES} MB at once, {name}"
        yield f"answers that were no 201, {what}", sum(status != 201 for status in answers), 1
        yield f"MB more at most, {what}", max(seen) - before, MOST_MEGABYTES


def _upload_all(port: int, resume: bytes) -> list[int]:
    with ThreadPoolExecutor(UPLOADS) as crowd:
        return list(crowd.map(lambda _: _upload(port, resume), range(UPLOADS)))


def _upload(port: int, resume: bytes) -> int:
    email = f"{os.urandom(4).hex()}@example.com"
    body = form_of({"first_name": "Jane", "last_name": "Doe", "email": email}, resume)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    connection.request("POST", "/public/leads", body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


@contextmanager
def _watch_memory(session: int) -> Iterator[list[float]]:
    """Yield what the processes have, fifty times a second."""
    seen, done = [_anonymous_megabytes(session)], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            seen.append(_anonymous_megabytes(session))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


def _anonymous_megabytes(session: int) -> float:
    total = 0
    for process in list_processes(session):
        try:
            lines = (process / "status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))
    return total / 1024
