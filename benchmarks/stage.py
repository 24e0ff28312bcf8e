"""An application with people and leads, to measure on."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade

from benchmarks.grow import add_people
from leadintake import create_app
from leadintake.demo.people import resume_of

BOUNDARY = "-----------------------------4066"


def application(folder: Path, name: str, **settings: object) -> Flask:
    """A migrated application with four attorneys and an administrator."""
    limits = dict.fromkeys(("RATE_LIMIT_SUBMISSIONS", "RATE_LIMIT_LOGINS"), "")
    app = create_app(INSTANCE_PATH=str(folder / name), **{"WORKER": "external", **limits, **settings})
    with app.app_context():
        upgrade()
    add_people(app)
    return app


@contextmanager
def server(command: list[str], target: str, settings: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Run gunicorn or granian; yield its port and its session, which all its processes belong to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    where = (
        ["--bind", f"127.0.0.1:{port}"]
        if "gunicorn" in command
        else ["--host", "127.0.0.1", "--port", str(port)]
    )
    process = subprocess.Popen(  # noqa: S603 - our own server
        [sys.executable, *command, *where, target],
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(port)
        yield port, process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2):
            return
        time.sleep(0.1)
    raise TimeoutError("the server does not start")


def form_of(fields: dict[str, str], file: bytes = resume_of("Jane Doe"), name: str = "resume.pdf") -> bytes:
    """The body of a submission, as a browser sends it."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        for field, value in fields.items()
    ]
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="resume_file"; filename="{name}"\r\n\r\n'
    return b"".join(parts) + head.encode() + file + f"\r\n--{BOUNDARY}--\r\n".encode()


def seconds(act: Callable[[], object], times: int = 15) -> float:
    """The median time of an act."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        act()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)
