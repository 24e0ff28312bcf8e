"""Ordinary submissions while one address does its worst, on both servers. Takes two minutes.

The stranger comes from 127.0.0.2 and everybody else from 127.0.0.1, which count as two addresses.
"""

from __future__ import annotations

import http.client
import itertools
import json
import multiprocessing
import os
import socket
import statistics
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.stage import BOUNDARY, application, form_of, server, size

SECONDS = int(os.environ.get("ATTACK_SECONDS", size(30, 1)))
HALF_OPEN = 300
STRANGER = ("127.0.0.2", 0)
SERVERS = {
    "granian": ["-m", "granian", "--interface", "wsgi", "--http", "1", "--blocking-threads", "64"],
    "gunicorn with gevent": ["-m", "gunicorn", "-k", "gevent"],
}


def measure(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Yield what was compared, the ratio, and the ratio wanted."""
    for number, (name, command) in enumerate(SERVERS.items()):
        home = folder / f"attacking-{number}"
        settings = {"LEADINTAKE_INSTANCE_PATH": str(home), "LEADINTAKE_RATE_LIMIT_SUBMISSIONS": ""}
        application(folder, home.name)
        with server(command, "wsgi:app", settings) as (port, _):
            _submissions(port, size(2, 1))
            before = statistics.median(_submissions(port, size(8, 1)))
            with _attack(port):
                during = statistics.median(_submissions(port, SECONDS))
        yield f"a submission while one address does its worst, on {name}", during / before, 2


def _submissions(port: int, seconds: float) -> list[float]:
    """Be one prospect after the other, twice a second; return how long each waited."""
    waited, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        body = form_of(
            {"first_name": "Jane", "last_name": "Doe", "email": f"{os.urandom(4).hex()}@example.com"}
        )
        start = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", "/public/leads", body, _multipart(len(body)))
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        assert answer.status == 201, text
        waited.append(time.perf_counter() - start)
        time.sleep(0.5)
    return waited


def _multipart(length: int) -> dict[str, str]:
    return {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Content-Length": str(length)}


@contextmanager
def _attack(port: int) -> Iterator[None]:
    """Somebody else does their worst meanwhile, in a process of their own."""
    stranger = multiprocessing.get_context("spawn").Process(target=_do_the_worst, args=(port,))
    stranger.start()
    time.sleep(3)
    try:
        yield
    finally:
        stranger.kill()
        stranger.join()


def _do_the_worst(port: int) -> None:
    """Go on until killed."""
    accents = "a" + "\u0301\u0327" * 20_000
    who = {"first_name": "Jane", "last_name": "Doe", "email": "jane@example.com"}
    forms = [
        form_of({**who, "first_name": accents}),
        form_of({**who, "remarks": accents, "opened": accents, accents[:200]: accents}),
        form_of(who, _costly_pdf()),
        form_of(who, b"{\\rtf1" + b"{\\b a}" * 1_000_000 + b"}", "a.rtf"),
        form_of(who, b"%PDF-1.7\n" + b"1 0 obj<</A(" * 700_000, "b.pdf"),
    ]
    nested = b"[" * 60_000
    passwords = [
        json.dumps({"email": "ada@firm.example.com", "password": f"wrong {n}"}).encode() for n in range(99)
    ]
    as_json = {"Content-Type": "application/json"}
    slow = {"Accept-Language": "en;q=0.1," * 800, "Accept": "text/html;q=0.5," * 400}
    acts: list[Iterator[tuple[str, str, bytes, dict[str, str]]]] = [
        itertools.cycle([("POST", "/public/leads", form, _multipart(len(form))) for form in forms]),
        itertools.cycle([("POST", "/internal/session", body, as_json) for body in (nested, *passwords)]),
        itertools.cycle(
            [
                ("GET", "/", b"", slow),
                ("GET", "/readyz", b"", {}),
                ("GET", "/?lang=" + "%cc%81" * 900, b"", {}),
            ]
        ),
    ]
    threads = [threading.Thread(target=_repeat, args=(port, act)) for act in acts for _ in range(2)]
    threads.append(threading.Thread(target=_hold, args=(port,)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _costly_pdf() -> bytes:
    """Many object streams that unpack to far more than they are."""
    packed = zlib.compress(b"<</A 1>> " * 400_000, 9)
    one = b"<</Type/ObjStm/N 1/First 1/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (
        len(packed),
        packed,
    )
    objects = b"".join(b"%d 0 obj%s\nendobj\n" % (number, one) for number in range(1, 200))
    return b"%PDF-1.7\n" + objects + b"trailer<</Root 1 0 R>>\nstartxref\n0\n%%EOF"


def _repeat(port: int, acts: Iterator[tuple[str, str, bytes, dict[str, str]]]) -> None:
    for method, path, body, headers in acts:
        with suppress(OSError, http.client.HTTPException):  # refused or cut off: on to the next
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=STRANGER)
            try:
                connection.request(method, path, body or None, headers)
                connection.getresponse().read()
            finally:
                connection.close()


def _hold(port: int) -> None:
    """Keep as many half-sent forms open as the server lets one address have, and ask for more."""
    lines = ["POST /public/leads HTTP/1.1", "Host: a", *(f"{k}: {v}" for k, v in _multipart(900_000).items())]
    start = "\r\n".join([*lines, "", "--"])
    held: list[socket.socket] = []
    while True:
        time.sleep(0.05)
        for _ in range(10 if len(held) < HALF_OPEN else 0):
            with suppress(OSError):
                held.append(socket.create_connection(("127.0.0.1", port), timeout=5, source_address=STRANGER))
                held[-1].sendall(start.encode())
        if len(held) >= HALF_OPEN:
            held.pop(0).close()
