"""Turns: requests scheduled by address, so that one address cannot take the processor from the others.

Python runs one request at a time; parallel requests would get a share each. So:

1. A request starts at once if its address has none running.
2. A further one waits while another address runs or waits, or while MAX_AT_ONCE of its own run. The longest
   waiting starts next.
3. An address that ran for more than BUSY_SECONDS lately waits, even with its first request, while an address
   runs that ran less than a quarter of that (least attained service first).
4. No wait exceeds MAX_WAIT_SECONDS, and nothing is refused: slow work, as of a remote storage, delays only
   its own address.
5. A request does not count as running while its body arrives (`pause`, `resume`) or its answer is sent.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Flask

from leadintake.core.http.addresses import client_key

MAX_AT_ONCE = 4
MAX_WAIT_SECONDS = 0.2
"""Far below the three seconds until a silent database becomes a 503."""
BUSY_SECONDS = 1.0
DECAY_SECONDS = 10.0
"""Time in which past running time decays by a factor of e."""
MAX_REMEMBERED = 1000
EXEMPT_PATHS = ("/healthz", "/readyz")
"""Cheap paths that never wait: they show that the process lives."""
KEY = "leadintake.turn"

WSGIApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Turns:
    """The running and waiting requests of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()
        self._waiting: defaultdict[str, deque[threading.Event]] = defaultdict(deque)
        self._usage: dict[str, tuple[float, float]] = {}  # by address: seconds of running, time of counting

    def begin(self, address: str) -> None:
        """Wait for a turn, at most MAX_WAIT_SECONDS."""
        with self._lock:
            if not self._must_wait(address):
                self._running[address] += 1
                return
            event = threading.Event()
            self._waiting[address].append(event)
        if event.wait(MAX_WAIT_SECONDS):
            return
        with self._lock:
            if not event.is_set():
                self._leave_queue(address, event)
                self._running[address] += 1

    def end(self, address: str, seconds: float = 0.0) -> None:
        """End a turn of `seconds`; start the next."""
        with self._lock:
            self._remember(address, seconds)
            self._running[address] -= 1
            if not self._running[address]:
                del self._running[address]
            for other in list(self._waiting):
                while other in self._waiting and not self._must_wait(other):
                    self._running[other] += 1
                    self._leave_queue(other, self._waiting[other][0]).set()

    def _must_wait(self, address: str) -> bool:
        running = self._running.get(address, 0)
        if len(self._running.keys() | self._waiting.keys() | {address}) == 1:
            return running >= MAX_AT_ONCE
        return running >= 1 or self._is_busier(address)

    def _is_busier(self, address: str) -> bool:
        """Return whether it ran far more than another address that runs now."""
        usage = self._recent_seconds(address)
        return usage > BUSY_SECONDS and any(
            self._recent_seconds(other) < usage / 4 for other in self._running if other != address
        )

    def _recent_seconds(self, address: str) -> float:
        seconds, counted = self._usage.get(address, (0.0, 0.0))
        return seconds * math.exp((counted - time.monotonic()) / DECAY_SECONDS)

    def _remember(self, address: str, seconds: float) -> None:
        if len(self._usage) >= MAX_REMEMBERED and address not in self._usage:
            self._usage = {k: v for k, v in self._usage.items() if self._recent_seconds(k) > BUSY_SECONDS}
        self._usage[address] = (self._recent_seconds(address) + seconds, time.monotonic())

    def _leave_queue(self, address: str, event: threading.Event) -> threading.Event:
        self._waiting[address].remove(event)
        if not self._waiting[address]:
            del self._waiting[address]
        return event


class Turn:
    """The turn of one request. `resume` and `pause` may be repeated."""

    def __init__(self, turns: Turns, address: str) -> None:
        self._turns, self._address, self._running = turns, address, False
        self._since = 0.0

    def resume(self) -> None:
        if not self._running:
            self._turns.begin(self._address)
            self._running, self._since = True, time.monotonic()

    def pause(self) -> None:
        if self._running:
            self._running = False
            self._turns.end(self._address, time.monotonic() - self._since)


class TakeTurns:
    """Middleware: a turn per request. Install inside ProxyFix."""

    def __init__(self, application: WSGIApp) -> None:
        self._application = application
        self._turns = Turns()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("PATH_INFO") in EXEMPT_PATHS:
            return self._application(environ, start_response)
        turn = environ[KEY] = Turn(self._turns, client_key(environ.get("REMOTE_ADDR") or ""))
        turn.resume()
        try:
            return self._application(environ, start_response)
        finally:
            turn.pause()


def init_app(app: Flask) -> None:
    """Install the middleware."""
    app.wsgi_app = TakeTurns(app.wsgi_app)  # type: ignore[method-assign] # as WSGI middleware is


def pause(environ: Mapping[str, Any]) -> None:
    """End this request's turn while it waits for its client."""
    if KEY in environ:
        environ[KEY].pause()


def resume(environ: Mapping[str, Any]) -> None:
    """Wait for a turn again."""
    if KEY in environ:
        environ[KEY].resume()
