"""Incidents in a file of this machine, for the time without database."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import structlog

from leadintake.core.alarms import Problem
from leadintake.core.clock import now
from leadintake.core.db.types import new_id
from leadintake.core.modes import open_private, write_private
from leadintake.monitoring.incidents import Record

INCIDENTS = "incidents.json"
log = structlog.get_logger()


class LocalFile:
    """Records shared by the watchdogs of one machine; in memory if the file cannot be written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._cache: list[Record] = []
        self._in_memory = False

    def records(self) -> list[Record]:
        if not self._in_memory and self.path.exists():
            try:
                self._cache = msgspec.json.decode(self.path.read_bytes(), type=list[Record])
            except (OSError, msgspec.MsgspecError) as error:
                log.warning("incidents_not_read", error=type(error).__name__)
        return list(self._cache)

    def open(self, cause: str, problem: Problem, watchdog: str) -> str:
        with self._lock():
            record = self._find(cause)
            if record is None:
                record = Record(str(new_id()), cause, now(), problem.severity, str(problem))
                record.record_problem(problem, watchdog)
                change = "opened"
            else:
                change = record.record_problem(problem, watchdog)
            self._write(cause, record)
            return change

    def resolve(self, cause: str, watchdog: str) -> bool:
        with self._lock():
            record = self._find(cause)
            if record is None or record.resolved_at is not None:
                return False
            resolved = record.record_recovery(watchdog)
            self._write(cause, record)
            return resolved

    def lease(self, cause: str) -> Record | None:
        """Return the current record. Two watchdogs may both get it: receivers deduplicate."""
        return self._find(cause)

    def release(self, record: Record) -> None:
        """Save which receivers accepted, unless the record changed meanwhile."""
        with self._lock():
            current = self._find(record.cause)
            if current is not None and current.changes == record.changes:
                current.told = {**current.told, **record.told}
                self._write(record.cause, current)

    def remove(self, record: Record) -> None:
        with self._lock():
            current = self._find(record.cause)
            if current is not None and current.changes == record.changes:
                self._write(record.cause, None)

    def _find(self, cause: str) -> Record | None:
        return next((record for record in self.records() if record.cause == cause), None)

    def _write(self, cause: str, record: Record | None) -> None:
        self._cache = [entry for entry in self._cache if entry.cause != cause] + ([record] if record else [])
        draft = self.path.with_suffix(".new")
        try:
            write_private(draft, msgspec.json.encode(self._cache))
            draft.replace(self.path)
            self._in_memory = False
        except OSError as error:
            self._in_memory = True  # the file is out of date
            log.warning("incidents_in_memory", error=type(error).__name__)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """Lock: one watchdog of this machine at a time, if the lock file can be created."""
        try:
            lock_file = open_private(self.path.with_suffix(".door"), os.O_RDWR | os.O_CREAT)
        except OSError:
            yield
            return
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock_file)
