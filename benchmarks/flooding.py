"""Submissions while strangers try passwords from everywhere, beside submissions without them, in turn.

Limits by address are off: they would end the flood of one. FLOOD_ROUNDS (3) rounds of LOAD_SECONDS (10) each.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from benchmarks.loading import COMMANDS, FEW, GEVENT, GRANIAN, SECONDS, load
from benchmarks.stage import SMOKE, application, server, size

ROUNDS = int(os.environ.get("FLOOD_ROUNDS", size(3, 1)))
STRANGERS, PAUSE_SECONDS = 16, 0.1
"""How many try at once, and how long each rests: they work on the machine that is measured, too."""
MOST = 1.25
"""Submissions keep four fifths of their rate."""


def measure(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Yield what was compared, the ratio, and the ratio wanted."""
    for name in (GRANIAN,) if SMOKE else (GRANIAN, GEVENT):
        home = folder / f"flooding-{name}"
        application(folder, home.name)
        settings = {"INSTANCE_PATH": str(home), "WORKER": "external", "BODIES_PER_ADDRESS": "0"}
        settings |= dict.fromkeys(("RATE_LIMIT_SUBMISSIONS", "RATE_LIMIT_LOGINS"), "")
        environment = {f"LEADINTAKE_{key}": value for key, value in settings.items()}
        rates: dict[bool, list[float]] = {False: [], True: []}
        with server(COMMANDS[name], "wsgi:app", environment) as each:
            load(*each, clients=FEW, seconds=1)
            for _ in range(ROUNDS):
                for flooded in rates:
                    with _flood(each[0]) if flooded else nullcontext():
                        rates[flooded].append(load(*each, clients=FEW, seconds=SECONDS)["rate"])
        quiet, during = (statistics.median(rates[flooded]) for flooded in rates)
        yield f"rate of submissions to that during a flood of passwords, {name}", quiet / during, MOST


@contextmanager
def _flood(port: int) -> Iterator[None]:
    tries = multiprocessing.get_context("spawn").Value("i", 0)
    process = multiprocessing.get_context("spawn").Process(target=_try_passwords, args=(port, tries))
    process.start()
    try:
        while not tries.value:
            assert process.is_alive(), "nobody tries passwords"
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.join()


def _try_passwords(port: int, tries) -> None:
    """Try passwords of a person, and of addresses that nobody has, until killed."""
    threads = [threading.Thread(target=_try, args=(port, number, tries)) for number in range(STRANGERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _try(port: int, number: int, tries) -> None:
    while True:
        email = "ada@firm.example.com" if number % 2 else f"{os.urandom(4).hex()}@firm.example.com"
        body = json.dumps({"email": email, "password": os.urandom(8).hex()})
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with suppress(OSError, http.client.HTTPException):  # refused or cut off: on to the next
            connection.request("POST", "/internal/session", body, {"Content-Type": "application/json"})
            status = connection.getresponse().status
            assert status != 200
            tries.value += 1
        connection.close()
        time.sleep(PAUSE_SECONDS)
