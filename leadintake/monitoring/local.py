"""Incidents in a file of this machine: for what keeps the database from keeping them."""

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
from leadintake.core.modes import open_private, write_private
from leadintake.core.types import new_id
from leadintake.monitoring.incidents import Record

log = structlog.get_logger()


class LocalFile:
    """The records of the watchdogs of one machine; of this process alone where the file cannot be kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kept: list[Record] = []
        self._in_memory = False

    def records(self) -> list[Record]:
        """All of them."""
        if not self._in_memory and self.path.exists():
            try:
                self._kept = msgspec.json.decode(self.path.read_bytes(), type=list[Record])
            except (OSError, msgspec.MsgspecError) as error:
                log.warning("incidents_not_read", error=type(error).__name__)
        return list(self._kept)

    def open(self, cause: str, problem: Problem) -> bool:
        """Note that a cause is wrong; return whether that is new."""
        with self._turn():
            known = self._find(cause)
            if known is not None and known.resolved_at is None:
                return False
            fresh = Record(str(new_id()), cause, now(), problem.severity, str(problem))
            if known is not None:
                fresh.id, fresh.changes, fresh.told = known.id, known.changes + 1, known.told
            self._keep(cause, fresh)
            return True

    def resolve(self, cause: str) -> bool:
        """Note that a cause is right; return whether that is new."""
        with self._turn():
            known = self._find(cause)
            if known is None or known.resolved_at is not None:
                return False
            known.resolved_at, known.changes = now(), known.changes + 1
            self._keep(cause, known)
            return True

    def lease(self, cause: str) -> Record | None:
        """The record as it is now. Two watchdogs of one machine may both have it: receivers know the key."""
        return self._find(cause)

    def give_back(self, record: Record) -> None:
        """Keep who was told, unless the record changed meanwhile."""
        with self._turn():
            known = self._find(record.cause)
            if known is not None and known.changes == record.changes:
                known.told = {**known.told, **record.told}
                self._keep(record.cause, known)

    def remove(self, record: Record) -> None:
        """Forget a record, unless it changed meanwhile."""
        with self._turn():
            known = self._find(record.cause)
            if known is not None and known.changes == record.changes:
                self._keep(record.cause, None)

    def _find(self, cause: str) -> Record | None:
        return next((record for record in self.records() if record.cause == cause), None)

    def _keep(self, cause: str, record: Record | None) -> None:
        self._kept = [one for one in self._kept if one.cause != cause] + ([record] if record else [])
        beside = self.path.with_suffix(".new")
        try:
            write_private(beside, msgspec.json.encode(self._kept))
            beside.replace(self.path)
            self._in_memory = False
        except OSError as error:
            self._in_memory = True  # what the file says is out of date
            log.warning("incidents_in_memory", error=type(error).__name__)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """One watchdog of this machine at a time, where there can be a file to say whose turn it is."""
        try:
            door = open_private(self.path.with_suffix(".door"), os.O_RDWR | os.O_CREAT)
        except OSError:
            yield
            return
        try:
            fcntl.flock(door, fcntl.LOCK_EX)
            yield
        finally:
            os.close(door)
