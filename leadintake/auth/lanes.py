"""Queues for a costly operation. Known callers never wait behind strangers.

1. While fewer than `at_once` calls run, a call begins immediately.
2. Otherwise it waits in a FIFO queue: for known callers (known device, signed-in user, mailed link), or for
   strangers. If the queue of strangers is full, or the wait exceeds the queue's timeout, it is refused with
   503 and Retry-After, before any work.
3. A call that ends passes its turn to the first known caller, else to the first stranger.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from leadintake.core.errors import Unavailable

CROWDED = "Too many people are signing in at once. Please try again in a moment."


class Lanes:
    """The free turns and the two queues. Waits in seconds."""

    def __init__(
        self, at_once: int, *, most_strangers: int, stranger_waits: float, known_waits: float
    ) -> None:
        self.at_once, self.most_strangers = at_once, most_strangers
        self.stranger_waits, self.known_waits = stranger_waits, known_waits
        self._guard = threading.Lock()
        self._free = at_once
        self._known_line: deque[threading.Event] = deque()
        self._stranger_line: deque[threading.Event] = deque()

    @contextmanager
    def turn(self, *, is_known: bool) -> Iterator[None]:
        """Wait for a turn and hold it. Raises Unavailable."""
        self._enter(is_known)
        try:
            yield
        finally:
            self._end_turn()

    def refuse_crowd(self) -> None:
        """Raise Unavailable if the queue of strangers is full."""
        with self._guard:
            if len(self._stranger_line) >= self.most_strangers:
                raise Unavailable(CROWDED)

    def _enter(self, is_known: bool) -> None:
        line = self._known_line if is_known else self._stranger_line
        with self._guard:
            if self._free:
                self._free -= 1
                return
            if not is_known and len(line) >= self.most_strangers:
                raise Unavailable(CROWDED)
            ticket = threading.Event()
            line.append(ticket)
        try:
            ticket.wait(self.known_waits if is_known else self.stranger_waits)
        except BaseException:
            if not self._leave_line(line, ticket):
                self._end_turn()
            raise
        if self._leave_line(line, ticket):
            raise Unavailable(CROWDED)

    def _leave_line(self, line: deque[threading.Event], ticket: threading.Event) -> bool:
        """Leave the queue; return False if the turn was given already."""
        with self._guard:
            if ticket.is_set():
                return False
            line.remove(ticket)
            return True

    def _end_turn(self) -> None:
        with self._guard:
            line = self._known_line or self._stranger_line
            if line:
                line.popleft().set()
            else:
                self._free += 1
