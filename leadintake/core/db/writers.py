"""A queue for the transactions that write to SQLite.

SQLite lets one transaction write at a time. Its own wait for that has no order and stops gevent's hub. Here,
the first to come is the first to write:

1. A transaction that will write joins the line of its process, and waits in Python.
2. The first in line locks a file (fcntl(2), `queue_file.py`). Only the process with this lock asks SQLite, so
   no process overtakes another.
3. While another transaction of its process runs, the first in line waits up to SHARE_SECONDS before it locks
   the file. Other processes try more often, so two busy processes alternate.
4. With the file locked, it tries BEGIN IMMEDIATE, with busy_timeout 0. While SQLite is busy, it sleeps
   briefly, or until the running transaction of its process ends, and tries again.
5. When SQLite grants its lock, file and place are released, before the transaction does anything. From then
   on only SQLite's lock counts; it ends at commit, rollback, close or the death of the process.
6. A transaction that fails while it waits (an exception, a killed greenlet) releases file and place. The
   kernel unlocks the file of a dead process; a fork inherits neither file nor line.
7. After WAIT_SECONDS a transaction tries SQLite once more, wherever it stands; SQLite's refusal is the error.

Only the order depends on this module: SQLite itself excludes writers.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import PoolProxiedConnection

from leadintake.core import measures
from leadintake.core.db.queue_file import QueueFile, make_pauses
from leadintake.core.db.timeouts import LOCK_SECONDS
from leadintake.core.slots import Slots

WAIT_SECONDS = 5.0
"""Total wait for SQLite's lock; then 503."""
SHARE_SECONDS = 0.003
"""Longer than MAX_PAUSE_SECONDS (queue_file.py): another process tries at least once meanwhile."""
LOST_SECONDS = 0.05
"""Time after which SQLite is asked anyway: the end of a transaction may have gone unnoticed."""

Execute = Callable[[str], object]
WAITS = measures.Histogram("leadintake_lock_wait_seconds", "Time until a lock was granted", "lock")


class WriterConnection(sqlite3.Connection):
    """A connection that knows whether its transaction writes, and wakes the next writer at the end."""

    def __init__(self, *arguments: Any, writers: Writers, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.writers = writers
        self.ended: threading.Event | None = None
        """Set when the last transaction that began as a writer ends."""
        self.changes_before = 0
        """`total_changes` at the beginning of the transaction."""

    @property
    def is_writer(self) -> bool:
        """Whether the running transaction holds SQLite's lock, from its beginning or its first change."""
        began = self.ended is not None and not self.ended.is_set()
        return began or self.total_changes != self.changes_before

    def commit(self) -> None:
        try:
            super().commit()
        finally:
            self._signal_end()

    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            self._signal_end()

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._signal_end()

    def _signal_end(self) -> None:
        if self.ended is not None:
            self.ended.set()


class Line:
    """The waiting transactions of this process, in order of arrival."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._places: collections.deque[threading.Event] = collections.deque()

    @contextlib.contextmanager
    def stand_first(self, deadline: float) -> Iterator[None]:
        """Wait to be first in line, at most until the deadline; leave the line at the end."""
        place = threading.Event()
        try:
            with self._mutex:
                self._places.append(place)
                self._places[0].set()
            place.wait(max(0.0, deadline - time.monotonic()))
            yield
        finally:
            with self._mutex:
                with contextlib.suppress(ValueError):
                    self._places.remove(place)
                if self._places:
                    self._places[0].set()


class Writers:
    """The queue of one database."""

    def __init__(self, path: Path | None, slots: Slots) -> None:
        self._file, self._slots = QueueFile(path), slots
        self._line = Line()
        self._running: threading.Event | None = None
        self_or_none = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _forget_parent(self_or_none()))

    def begin(self, raw: WriterConnection, execute: Execute) -> None:
        """Begin a transaction that writes. `execute` is asked last, and raises the error."""
        start = time.monotonic()
        deadline = start + WAIT_SECONDS
        with self._line.stand_first(deadline), self._without_wait(raw):
            self._wait_for_own(SHARE_SECONDS)
            with self._file.lock(deadline):
                self._ask(raw, execute, deadline)
            raw.changes_before = raw.total_changes
            raw.ended = self._running = threading.Event()
        WAITS.observe(time.monotonic() - start, "write", slots=self._slots)

    def _ask(self, raw: WriterConnection, execute: Execute, deadline: float) -> None:
        pauses = make_pauses()
        while True:
            try:
                raw.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                if not _is_busy(error) or time.monotonic() >= deadline:
                    break
            else:
                return
            if not self._wait_for_own(LOST_SECONDS):
                time.sleep(next(pauses))
        execute("BEGIN IMMEDIATE")

    def _wait_for_own(self, seconds: float) -> bool:
        """Wait until this process's running transaction ends; return False if none runs."""
        running = self._running
        if running is None or running.is_set():
            return False
        running.wait(seconds)
        return True

    @staticmethod
    @contextlib.contextmanager
    def _without_wait(raw: WriterConnection) -> Iterator[None]:
        raw.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            raw.execute(f"PRAGMA busy_timeout = {LOCK_SECONDS * 1000}")

    def forget_parent(self) -> None:
        """Start with an empty line in a fork, which lacks the parent's threads."""
        self._line, self._running = Line(), None


def _forget_parent(writers: Writers | None) -> None:
    if writers is not None:
        writers.forget_parent()


def install_writers(engine: sa.Engine, slots: Slots, is_read_only: Callable[[], bool]) -> None:
    """Give an SQLite engine a queue of writers.

    A transaction takes SQLite's write lock first where a write may follow: a later upgrade fails at once.
    The dialect begins it, not the event `begin`: with a listener to that, SQLAlchemy makes events of every
    statement.
    """
    path = engine.url.database or ":memory:"
    writers = Writers(None if path.startswith((":memory:", "file:")) else Path(path), slots)

    def use_connection_class(_dialect: Any, _record: Any, _arguments: Any, named: dict[str, Any]) -> None:
        named["factory"] = functools.partial(WriterConnection, writers=writers)

    def begin(connection: PoolProxiedConnection) -> None:
        raw = cast(WriterConnection, connection.driver_connection)
        if is_read_only():
            _begin_to_read(raw)
        else:
            raw.writers.begin(raw, raw.execute)

    event.listen(engine, "do_connect", use_connection_class)
    engine.dialect.do_begin = begin  # type: ignore[assignment, method-assign] # of this engine alone


def begin_to_write(connection: sa.Connection) -> None:
    """Begin a transaction that writes, through the queue, below SQLAlchemy's. Raises OperationalError."""
    raw = _raw(connection)
    raw.writers.begin(raw, connection.exec_driver_sql)


def _begin_to_read(raw: WriterConnection) -> None:
    """Begin a transaction without waiting. If another writes after it has read, its own first write fails."""
    raw.execute("BEGIN DEFERRED")
    raw.changes_before = raw.total_changes


def is_writer(connection: sa.Connection) -> bool:
    """Return `WriterConnection.is_writer`; False on other databases."""
    return connection.dialect.name == "sqlite" and _raw(connection).is_writer


def _raw(connection: sa.Connection) -> WriterConnection:
    return cast(WriterConnection, connection.connection.driver_connection)


def _is_busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
