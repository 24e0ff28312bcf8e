"""What a mail costs the worker in CPU time, beside a bare loop over smtplib that sends the same bytes."""

from __future__ import annotations

import multiprocessing
import smtplib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from benchmarks.stage import application, size
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.notifications.embedded import Stop
from leadintake.notifications.service import notifications
from leadintake.notifications.worker import Worker

HOST = "127.0.0.1"
MAILS = size(500, 5)
PROMISED_CPU_SECONDS = 0.0035
SENDER = "firm@firm.example"


def measure(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Yield what was compared, the ratio, and the ratio wanted."""
    with sink() as port:
        app = application(folder, "delivering", MAIL_SERVER=HOST, MAIL_PORT=port)
        enqueue(app, MAILS)
        worker = cpu_seconds(lambda: deliver(app)) / MAILS
        raw = b"Subject: x\r\n\r\n" + b"words\r\n" * 300
        bare = cpu_seconds(lambda: send_bare(port, raw)) / MAILS
    yield "CPU of the worker for a mail to that of a bare loop over smtplib", worker / bare, 25
    yield "CPU of the worker for a mail to the promised 3.5 ms", worker / PROMISED_CPU_SECONDS, 1


def enqueue(app: Flask, count: int) -> None:
    """Owe so many confirmations, each to an address of its own."""
    with app.app_context(), transaction():
        for number in range(count):
            notifications.enqueue(
                "prospect_confirmation", f"jane{number}@example.com", name="Jane", reference="4711"
            )


def deliver(app: Flask) -> None:
    """Be a worker until nothing is due."""
    with app.app_context():
        assert Worker(app).deliver_due(Stop()) == MAILS
        db.session.remove()


def send_bare(port: int, raw: bytes) -> None:
    """Send as many mails with nothing around them."""
    with smtplib.SMTP(HOST, port, local_hostname="localhost") as host:
        for number in range(MAILS):
            host.sendmail(SENDER, f"jane{number}@example.com", raw)


def cpu_seconds(act: Callable[[], object]) -> float:
    """The CPU time that this process spends on an act."""
    start = time.process_time()
    act()
    return time.process_time() - start


@contextmanager
def sink() -> Iterator[int]:
    """A mail server in a process of its own that takes everything."""
    with socket.create_server((HOST, 0)) as listening:
        server = multiprocessing.get_context("fork").Process(target=_serve, args=(listening,), daemon=True)
        server.start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            server.terminate()
            server.join()


def _serve(listening: socket.socket) -> None:
    while True:
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 sink\r\n")
            _talk(connection, lines)


def _talk(connection: socket.socket, lines: Iterator[bytes]) -> None:
    for line in lines:
        verb = line[:4].upper()
        if verb == b"EHLO":
            connection.sendall(b"250-sink\r\n250 8BITMIME\r\n")
        elif verb == b"DATA":
            connection.sendall(b"354 go on\r\n")
            while next(lines) != b".\r\n":
                pass
            connection.sendall(b"250 2.0.0 taken\r\n")
        elif verb == b"QUIT":
            connection.sendall(b"221 bye\r\n")
            return
        else:
            connection.sendall(b"250 OK\r\n")
