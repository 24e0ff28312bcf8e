"""Whose file is looked into next: few at once, a short queue, and no address before all others.

1. Whoever finds a free place and nobody waiting goes at once.
2. The others wait in one line for each address. The addresses stand in a ring.
3. A place that becomes free goes to the address with the fewest files under inspection, and among these to
   the first of the ring, which then goes to the ring's end. So an address has one file waiting or under
   inspection while others wait, however many it sends; alone, it may have all the places.
4. When the queue is full, the newest of the address that has the most in it leaves.
5. Nobody waits longer than WAIT_SECONDS. Beyond LONG_QUEUE files the newest of the busiest address leave as
   soon as the queue would take LONG_WAIT_SECONDS at the pace of late, so that slow files leave some of a
   server's threads free for everything else; a burst of ordinary files passes.
6. A place in this process is one thing, a place on the machine another: the server processes of one
   installation share as many files with locks (flock(2)) as there are processors. The kernel drops the
   locks of a process that dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import structlog

MOST_WAITING = 512
LONG_QUEUE = 48
"""Three quarters of granian's usual 64 threads."""
LONG_WAIT_SECONDS = 3.0
WAIT_SECONDS = 15.0
WEIGHT_OF_THE_LAST = 0.04
"""Of the last file in the mean time that a file takes: two slow files count, two starts of workers do not."""
LOOK_AGAIN_SECONDS = 0.01
"""How often a place on the machine is tried for, when other processes have them all."""
log = structlog.get_logger()


class Busy(Exception):
    """No place became free in time."""


@dataclass(eq=False)
class Ticket:
    """One file that waits. `called` is set when it may go, or has to leave."""

    sender: str
    called: threading.Event = field(default_factory=threading.Event)
    goes: bool = False


class Turns:
    """The places of this process, and who waits for one."""

    def __init__(self, places: int, long_queue: int = LONG_QUEUE) -> None:
        self.places, self.long_queue = places, long_queue
        self._mean_seconds = 0.0
        self._guard = threading.Lock()
        self._running: Counter[str] = Counter()
        self._ring: dict[str, deque[Ticket]] = {}

    @property
    def waiting(self) -> int:
        """How many files wait."""
        return sum(map(len, self._ring.values()))

    @contextlib.contextmanager
    def turn(self, sender: str) -> Iterator[None]:
        """Have a place while the block runs. Raises Busy."""
        with self._guard:
            at_once = not self._ring and self._running.total() < self.places
            if at_once:
                self._running[sender] += 1
            else:
                ticket = self._queue(sender)
        if not at_once:
            self._wait(ticket)
        begun = time.monotonic()
        try:
            yield
        finally:
            with self._guard:
                self._mean_seconds += WEIGHT_OF_THE_LAST * (time.monotonic() - begun - self._mean_seconds)
                self._running[sender] -= 1
                self._running += Counter()  # forget who has nothing running
                self._call_next()
                while self._is_full():
                    self._send_away(self._busiest())

    def _queue(self, sender: str) -> Ticket:
        if self._is_full(1):
            busiest = self._busiest()
            if len(self._ring[busiest]) <= len(self._ring.get(sender, ())) + 1:
                raise Busy
            self._send_away(busiest)
        ticket = Ticket(sender)
        self._ring.setdefault(sender, deque()).append(ticket)
        return ticket

    def _is_full(self, more: int = 0) -> bool:
        waiting = self.waiting + more
        is_slow = waiting * self._mean_seconds / self.places > LONG_WAIT_SECONDS
        return waiting > MOST_WAITING or (waiting > self.long_queue and is_slow)

    def _busiest(self) -> str:
        return max(self._ring, key=lambda one: len(self._ring[one]))

    def _send_away(self, sender: str) -> None:
        """Let the newest file of an address leave."""
        line = self._ring[sender]
        line.pop().called.set()
        if not line:
            del self._ring[sender]

    def _wait(self, ticket: Ticket) -> None:
        try:
            ticket.called.wait(WAIT_SECONDS)
        except BaseException:
            with self._guard:
                self._leave(ticket)
            raise
        with self._guard:
            if not ticket.goes:
                self._leave(ticket)
                raise Busy

    def _leave(self, ticket: Ticket) -> None:
        if ticket.goes:  # called at the moment it gave up
            self._running[ticket.sender] -= 1
            self._running += Counter()
            self._call_next()
            return
        line = self._ring.get(ticket.sender, deque())
        with contextlib.suppress(ValueError):  # it was made to leave
            line.remove(ticket)
        if not line:
            self._ring.pop(ticket.sender, None)

    def _call_next(self) -> None:
        while self._ring and self._running.total() < self.places:
            sender = min(self._ring, key=lambda one: self._running[one])
            line = self._ring.pop(sender)
            ticket = line.popleft()
            if line:
                self._ring[sender] = line  # at the ring's end
            self._running[sender] += 1
            ticket.goes = True
            ticket.called.set()


@dataclass(frozen=True)
class Places:
    """The places of one installation on this machine: files in `folder`, each locked by whoever has it."""

    folder: Path
    count: int

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Have one while the block runs. Raises Busy."""
        locked = self._lock()
        try:
            yield
        finally:
            if locked is not None:
                os.close(locked)

    def _lock(self) -> int | None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._let_others_first()
            if (locked := self._try_each()) is not None:
                return locked
            return self._lock_when_free()
        except OSError as error:
            log.warning("inspections_not_counted", error=str(error))
            return None  # a folder that cannot be written: the places of this process still hold

    def _lock_when_free(self) -> int:
        end = time.monotonic() + WAIT_SECONDS
        with self._open("waiting") as waiting:
            fcntl.flock(waiting, fcntl.LOCK_SH)
            while (locked := self._try_each()) is None:
                if time.monotonic() > end:
                    raise Busy
                time.sleep(LOOK_AGAIN_SECONDS)
        return locked

    def _let_others_first(self) -> None:
        """Pause once while another process waits, which would otherwise never find a place free."""
        with self._open("waiting") as waiting:
            if not _try_lock(waiting):
                time.sleep(3 * LOOK_AGAIN_SECONDS)

    def _try_each(self) -> int | None:
        for number in range(self.count):
            file = os.open(self.folder / f"place-{number}", os.O_RDWR | os.O_CREAT, 0o600)
            if _try_lock(file):
                return file
            os.close(file)
        return None

    @contextlib.contextmanager
    def _open(self, name: str) -> Iterator[int]:
        file = os.open(self.folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            yield file
        finally:
            os.close(file)


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
