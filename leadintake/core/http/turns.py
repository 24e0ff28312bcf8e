"""Requests take turns by address, so that one address does not take the processor from all others.

Python works on one request at a time; who sends many at once would get as many shares of it. So

1. a request of an address that has none at work begins at once;
2. a further one of the same address waits while another address is at work or waiting, and else while
   `MOST_AT_ONCE` of its own are at work; the longest waiting is the next to begin;
3. nothing waits longer than `PATIENCE_SECONDS`: something slow (a storage far away) delays its own address
   by that at most, and nothing is refused here;
4. a request whose body is on its way is not at work until all of it is here (`pause`, `resume`), nor is one
   whose answer is being sent.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Flask

from leadintake.core.http.addresses import client_key

MOST_AT_ONCE = 4
PATIENCE_SECONDS = 0.2
"""Little beside the three seconds in which everybody is told when the database is silent."""
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

    def end(self, address: str) -> None:
        """Let the next begin."""
        with self._lock:
            self._at_work[address] -= 1
            if not self._at_work[address]:
                del self._at_work[address]
            for other in list(self._waiting):
                while other in self._waiting and not self._must_wait(other):
                    self._at_work[other] += 1
                    self._leave_queue(other, self._waiting[other][0]).set()

    def _must_wait(self, address: str) -> bool:
        mine = self._at_work.get(address, 0)
        alone = len(self._at_work.keys() | self._waiting.keys() | {address}) == 1
        return mine >= (MOST_AT_ONCE if alone else 1)

    def _leave_queue(self, address: str, event: threading.Event) -> threading.Event:
        self._waiting[address].remove(event)
        if not self._waiting[address]:
            del self._waiting[address]
        return event


class Turn:
    """One request's. Each verb may be told twice."""

    def __init__(self, turns: Turns, address: str) -> None:
        self._turns, self._address, self._at_work = turns, address, False

    def resume(self) -> None:
        """Be at work, when it is its turn."""
        if not self._at_work:
            self._turns.begin(self._address)
            self._at_work = True

    def pause(self) -> None:
        """Let others work meanwhile."""
        if self._at_work:
            self._at_work = False
            self._turns.end(self._address)


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
