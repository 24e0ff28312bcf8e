"""Turns at something costly: few at once, and nobody of the firm waits behind a stranger.

1. Who comes while fewer than `at_once` are at it begins at once.
2. Others stand in one of two lines: known callers (a device that signed in before, somebody signed in,
   whoever has a mailed link), and strangers. The line of strangers has an end: beyond it, and for whoever
   waited too long in it, it is 503 with Retry-After, before anything was done.
3. Whoever ends hands the turn to the first known caller, else to the first stranger. So a known caller waits
   for one turn that is under way already and for known callers before them, and for no stranger who waits.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from leadintake.core.errors import Unavailable

CROWDED = "Too many people are signing in at once. Please try again in a moment."


class Lanes:
    """The turns, and the two lines before them. `longest` and the waits in seconds: see the module."""

    def __init__(
        self, at_once: int, *, most_strangers: int, stranger_waits: float, known_waits: float
    ) -> None:
        self.at_once, self.most_strangers = at_once, most_strangers
        self.stranger_waits, self.known_waits = stranger_waits, known_waits
        self._guard = threading.Lock()
        self._free = at_once
        self._known: deque[threading.Event] = deque()
        self._strangers: deque[threading.Event] = deque()

    @contextmanager
    def turn(self, *, known: bool) -> Iterator[None]:
        """Have a turn. Raises Unavailable."""
        self._enter(known)
        try:
            yield
        finally:
            self._leave()

    def refuse_crowd(self) -> None:
        """Raise Unavailable where a stranger would be refused: before they cost anything else."""
        with self._guard:
            if len(self._strangers) >= self.most_strangers:
                raise Unavailable(CROWDED)

    def _enter(self, known: bool) -> None:
        line = self._known if known else self._strangers
        with self._guard:
            if self._free:
                self._free -= 1
                return
            if not known and len(line) >= self.most_strangers:
                raise Unavailable(CROWDED)
            mine = threading.Event()
            line.append(mine)
        try:
            mine.wait(self.known_waits if known else self.stranger_waits)
        except BaseException:
            if not self._step_out(line, mine):
                self._leave()
            raise
        if self._step_out(line, mine):
            raise Unavailable(CROWDED)

    def _step_out(self, line: deque[threading.Event], mine: threading.Event) -> bool:
        """Leave the line, unless the turn came meanwhile; whether it had not."""
        with self._guard:
            if mine.is_set():
                return False
            line.remove(mine)
            return True

    def _leave(self) -> None:
        with self._guard:
            line = self._known or self._strangers
            if line:
                line.popleft().set()
            else:
                self._free += 1
