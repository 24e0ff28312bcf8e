"""Requests take turns by address, so that one address does not take the processor from all others.

Python works on one request at a time; who sends many at once would get as many shares of it. So

1. a request of an address that has none at work begins at once;
2. a further one of the same address waits while another address is at work or waiting, and else while
   `MOST_AT_ONCE` of its own are at work; the longest waiting is the next to begin;
3. an address that was at work for more than `BUSY_SECONDS` lately waits, even with its first, while an
   address is at work that was so for less than a quarter of that (least attained service goes first);
4. nothing waits longer than `PATIENCE_SECONDS`: something slow (a storage far away) delays its own address
   by that at most, and nothing is refused here;
5. a request whose body is on its way is not at work until all of it is here (`pause`, `resume`), nor is one
   whose answer is being sent.
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

MOST_AT_ONCE = 4
PATIENCE_SECONDS = 0.2
"""Little beside the three seconds in which everybody is told when the database is silent."""
BUSY_SECONDS = 1.0
LATELY_SECONDS = 10.0
"""Seconds at work count less by e in so many seconds."""
MOST_REMEMBERED = 1000
ALWAYS = ("/healthz", "/readyz")
"""Paths that never wait: they cost next to nothing, and tell whether the process lives."""
KEY = "leadintake.turn"

WSGIApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Turns:
    """Who is at work in this process, and who waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at_work: Counter[str] = Counter()
        self._waiting: defaultdict[str, deque[threading.Event]] = defaultdict(deque)
        self._worked: dict[str, tuple[float, float]] = {}  # seconds by address, and when they were counted

    def begin(self, address: str) -> None:
        """Wait for the turn of this address, at most PATIENCE_SECONDS."""
        with self._lock:
            if not self._must_wait(address):
                self._at_work[address] += 1
                return
            mine = threading.Event()
            self._waiting[address].append(mine)
        if mine.wait(PATIENCE_SECONDS):
            return
        with self._lock:
            if not mine.is_set():
                self._leave_queue(address, mine)
                self._at_work[address] += 1

    def end(self, address: str, seconds: float = 0.0) -> None:
        """Let the next begin, after `seconds` at work."""
        with self._lock:
            self._remember(address, seconds)
            self._at_work[address] -= 1
            if not self._at_work[address]:
                del self._at_work[address]
            for other in list(self._waiting):
                while other in self._waiting and not self._must_wait(other):
                    self._at_work[other] += 1
                    self._leave_queue(other, self._waiting[other][0]).set()

    def _must_wait(self, address: str) -> bool:
        mine = self._at_work.get(address, 0)
        if len(self._at_work.keys() | self._waiting.keys() | {address}) == 1:
            return mine >= MOST_AT_ONCE
        return mine >= 1 or self._is_busier(address)

    def _is_busier(self, address: str) -> bool:
        """Whether this address was at work much, and far more than another that is at work now."""
        worked = self._worked_lately(address)
        return worked > BUSY_SECONDS and any(
            self._worked_lately(other) < worked / 4 for other in self._at_work if other != address
        )

    def _worked_lately(self, address: str) -> float:
        seconds, counted = self._worked.get(address, (0.0, 0.0))
        return seconds * math.exp((counted - time.monotonic()) / LATELY_SECONDS)

    def _remember(self, address: str, seconds: float) -> None:
        if len(self._worked) >= MOST_REMEMBERED and address not in self._worked:
            self._worked = {k: v for k, v in self._worked.items() if self._worked_lately(k) > BUSY_SECONDS}
        self._worked[address] = (self._worked_lately(address) + seconds, time.monotonic())

    def _leave_queue(self, address: str, event: threading.Event) -> threading.Event:
        self._waiting[address].remove(event)
        if not self._waiting[address]:
            del self._waiting[address]
        return event


class Turn:
    """One request's. Each verb may be told twice."""

    def __init__(self, turns: Turns, address: str) -> None:
        self._turns, self._address, self._at_work = turns, address, False
        self._since = 0.0

    def resume(self) -> None:
        """Be at work, when it is its turn."""
        if not self._at_work:
            self._turns.begin(self._address)
            self._at_work, self._since = True, time.monotonic()

    def pause(self) -> None:
        """Let others work meanwhile."""
        if self._at_work:
            self._at_work = False
            self._turns.end(self._address, time.monotonic() - self._since)


class TakeTurns:
    """The application, a turn a request. Goes around the application and inside of ProxyFix."""

    def __init__(self, application: WSGIApp) -> None:
        self._application = application
        self._turns = Turns()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request when it is its turn."""
        if environ.get("PATH_INFO") in ALWAYS:
            return self._application(environ, start_response)
        turn = environ[KEY] = Turn(self._turns, client_key(environ.get("REMOTE_ADDR") or ""))
        turn.resume()
        try:
            return self._application(environ, start_response)
        finally:
            turn.pause()


def init_app(app: Flask) -> None:
    """Have requests take turns."""
    app.wsgi_app = TakeTurns(app.wsgi_app)  # type: ignore[method-assign] # as WSGI middleware is


def pause(environ: Mapping[str, Any]) -> None:
    """Let others work until `resume`: this request waits for its client."""
    if KEY in environ:
        environ[KEY].pause()


def resume(environ: Mapping[str, Any]) -> None:
    """Be at work again."""
    if KEY in environ:
        environ[KEY].resume()
