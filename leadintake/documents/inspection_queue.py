"""Fair queue for inspections: a limited number run at once, and no client address delays the others.

1. A file starts at once if a slot is free and no file waits.
2. Other files wait, first in first out per address. The addresses with waiting files form a ring.
3. A free slot goes to the waiting address with the fewest running files, among equals to the first in the
   ring. That address moves to the ring's end. So while others wait, none gets a second slot before each has
   one; alone, it may use all.
4. When MAX_QUEUE_LENGTH files wait, the address with most of them loses its newest; a new file counts, and
   loses a tie.
5. Above `long_queue` files, 4 applies while the queue needs more than LONG_WAIT_SECONDS at the mean duration:
   each waiting file holds a thread of the server.
6. A file waits at most WAIT_SECONDS for a slot of the process, then as long for one of the machine.
7. Slots of the process are in memory. Slots of the machine, one per processor, are locks (flock(2)) shared by
   the server processes of an installation; the kernel releases those of dead processes.
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

MAX_QUEUE_LENGTH = 512
DEFAULT_LONG_QUEUE = 48
"""Three quarters of granian's usual 64 threads. The inspector passes its own: none with greenlets."""
LONG_WAIT_SECONDS = 3.0
WAIT_SECONDS = 15.0
MEAN_WEIGHT = 0.04
"""Weight of the newest duration in the moving mean: two slow files raise it noticeably, two starts of workers
do not."""
POLL_SECONDS = 0.01
"""Interval of attempts to get a slot of the machine."""
log = structlog.get_logger()


class Busy(Exception):
    """No slot became free in time."""


@dataclass(eq=False)
class Ticket:
    """Waiting file. `decided` is set when it is admitted or rejected."""

    sender: str
    decided: threading.Event = field(default_factory=threading.Event)
    is_admitted: bool = False


class InspectionQueue:
    """Slots of this process, and files that wait for one."""

    def __init__(self, slots: int, long_queue: int = DEFAULT_LONG_QUEUE) -> None:
        self.slots, self.long_queue = slots, long_queue
        self._mean_seconds = 0.0
        self._mutex = threading.Lock()
        self._running: Counter[str] = Counter()
        self._ring: dict[str, deque[Ticket]] = {}

    @property
    def length(self) -> int:
        """Number of waiting files."""
        return sum(map(len, self._ring.values()))

    @contextlib.contextmanager
    def acquire(self, sender: str) -> Iterator[None]:
        """Hold a slot while the block runs. Raises Busy."""
        with self._mutex:
            is_immediate = not self._ring and self._running.total() < self.slots
            if is_immediate:
                self._running[sender] += 1
            else:
                ticket = self._enqueue(sender)
        if not is_immediate:
            self._wait(ticket)
        started_at = time.monotonic()
        try:
            yield
        finally:
            with self._mutex:
                self._mean_seconds += MEAN_WEIGHT * (time.monotonic() - started_at - self._mean_seconds)
                self._running[sender] -= 1
                self._running += Counter()  # drops addresses with nothing running
                self._admit_next()
                while self._is_full():
                    self._evict_newest(self._find_busiest())

    def _enqueue(self, sender: str) -> Ticket:
        if self._is_full(1):
            busiest = self._find_busiest()
            if len(self._ring[busiest]) <= len(self._ring.get(sender, ())) + 1:
                raise Busy
            self._evict_newest(busiest)
        ticket = Ticket(sender)
        self._ring.setdefault(sender, deque()).append(ticket)
        return ticket

    def _is_full(self, more: int = 0) -> bool:
        waiting = self.length + more
        is_slow = waiting * self._mean_seconds / self.slots > LONG_WAIT_SECONDS
        return waiting > MAX_QUEUE_LENGTH or (waiting > self.long_queue and is_slow)

    def _find_busiest(self) -> str:
        return max(self._ring, key=lambda one: len(self._ring[one]))

    def _evict_newest(self, sender: str) -> None:
        tickets = self._ring[sender]
        tickets.pop().decided.set()
        if not tickets:
            del self._ring[sender]

    def _wait(self, ticket: Ticket) -> None:
        try:
            ticket.decided.wait(WAIT_SECONDS)
        except BaseException:
            with self._mutex:
                self._remove(ticket)
            raise
        with self._mutex:
            if not ticket.is_admitted:
                self._remove(ticket)
                raise Busy

    def _remove(self, ticket: Ticket) -> None:
        if ticket.is_admitted:  # admitted while its wait was interrupted
            self._running[ticket.sender] -= 1
            self._running += Counter()
            self._admit_next()
            return
        tickets = self._ring.get(ticket.sender, deque())
        with contextlib.suppress(ValueError):  # evicted already
            tickets.remove(ticket)
        if not tickets:
            self._ring.pop(ticket.sender, None)

    def _admit_next(self) -> None:
        while self._ring and self._running.total() < self.slots:
            sender = min(self._ring, key=lambda one: self._running[one])
            tickets = self._ring.pop(sender)
            ticket = tickets.popleft()
            if tickets:
                self._ring[sender] = tickets  # moves to the ring's end
            self._running[sender] += 1
            ticket.is_admitted = True
            ticket.decided.set()


@dataclass(frozen=True)
class MachineSlots:
    """Slots of one installation on this machine: locks on files in `folder`."""

    folder: Path
    count: int

    @contextlib.contextmanager
    def acquire(self) -> Iterator[None]:
        """Hold a slot while the block runs. Raises Busy."""
        locked = self._lock()
        try:
            yield
        finally:
            if locked is not None:
                os.close(locked)

    def _lock(self) -> int | None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._yield_to_waiters()
            if (locked := self._try_slots()) is not None:
                return locked
            return self._wait_for_slot()
        except OSError as error:
            log.warning("inspections_not_counted", error=str(error))
            return None  # folder not writable: only the slots of the process limit

    def _wait_for_slot(self) -> int:
        end = time.monotonic() + WAIT_SECONDS
        with self._open("waiting") as waiting_file:
            fcntl.flock(waiting_file, fcntl.LOCK_SH)
            while (locked := self._try_slots()) is None:
                if time.monotonic() > end:
                    raise Busy
                time.sleep(POLL_SECONDS)
        return locked

    def _yield_to_waiters(self) -> None:
        """Sleep once if a process polls for a slot: newcomers would otherwise take each one first."""
        with self._open("waiting") as waiting_file:
            if not _try_lock(waiting_file):
                time.sleep(3 * POLL_SECONDS)

    def _try_slots(self) -> int | None:
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
