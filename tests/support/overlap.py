"""Two transactions, one inside the other: what a lock is for, without a clock and without luck."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from leadintake.core.db import locks, transaction
from leadintake.core.db.database import db, is_read_only

WAIT_SECONDS = 4
"""For a second transaction that neither ends nor asks for the lock; less than databases wait for one."""


class Overlap:
    """Stop one transaction before its commit; let it go on once another ended or asked for the lock.

    1. The first does all that it does, and stops before its commit.
    2. The second begins. If it asks for the lock of the first, it waits there, and the first commits. If it
       does not, it ends before the first commits, or waits for a row; then patience does.
    3. What both left behind is as if one had come after the other, or the lock is missing.
    """

    def __init__(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        self._app = app
        self._role = threading.local()
        self._at_the_end, self._go_on = threading.Event(), threading.Event()
        real_commit, real_acquire = transaction.commit, locks.acquire

        def commit() -> None:
            if self._is("first"):
                self._at_the_end.set()
                self._go_on.wait(WAIT_SECONDS)
            real_commit()

        def acquire(name: str) -> None:
            self._second_waits()
            real_acquire(name)

        monkeypatch.setattr(transaction, "commit", commit)
        monkeypatch.setattr(locks, "acquire", acquire)

    def run(self, first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
        """Do both so; return what they return."""
        with self._seen_at_begin(), ThreadPoolExecutor(2) as threads:
            one = threads.submit(self._do, "first", first)
            assert self._at_the_end.wait(30)
            other = threads.submit(self._do, "second", second)
            return one.result(timeout=60), other.result(timeout=60)

    def _do(self, role: str, job: Callable[[], Any]) -> Any:
        self._role.name = role
        try:
            return job()
        finally:
            (self._go_on if role == "second" else self._at_the_end).set()

    def _is(self, role: str) -> bool:
        return getattr(self._role, "name", "") == role

    def _second_waits(self, *_: object) -> None:
        if self._is("second"):
            self._go_on.set()

    @contextmanager
    def _seen_at_begin(self) -> Iterator[None]:
        """On SQLite a transaction that may write waits where it begins."""

        def begin(_: sa.Connection) -> None:
            if not is_read_only():
                self._second_waits()

        with self._app.app_context():
            engine = db.engine
        if engine.dialect.name != "sqlite":
            yield
            return
        sa.event.listen(engine, "begin", begin, insert=True)
        try:
            yield
        finally:
            sa.event.remove(engine, "begin", begin)
