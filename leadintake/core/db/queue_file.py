"""A file lock beside the database: the process that has it may ask SQLite for its lock."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

from leadintake.core.modes import open_private

QUEUE_SECONDS = 1.0
"""Maximum wait for the file: only a stopped process holds it for longer than milliseconds."""
MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.0003, 0.002
"""Between two tries; a try costs some 20 µs of CPU."""


class QueueFile:
    """The file `…-queue` beside a database; none for a database in memory."""

    def __init__(self, database: Path | None) -> None:
        self._path = database and database.with_name(f"{database.name}-queue")

    @contextlib.contextmanager
    def lock(self, deadline: float) -> Iterator[None]:
        """Lock the file, waiting in Python; at the deadline, or where files cannot be locked, continue."""
        descriptor = self._open()
        try:
            last = min(deadline, time.monotonic() + QUEUE_SECONDS)
            pauses = make_pauses()
            while descriptor is not None and not _try_to_lock(descriptor) and time.monotonic() < last:
                time.sleep(next(pauses))
            yield
        finally:
            if descriptor is not None:
                os.close(descriptor)  # which unlocks it

    def _open(self) -> int | None:
        """Open the file; None if that fails: SQLite explains a faulty disk better."""
        if self._path is None:
            return None
        with contextlib.suppress(OSError):
            try:
                return open_private(self._path, os.O_RDWR)
            except FileNotFoundError:
                return open_private(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        return None


def make_pauses() -> Iterator[float]:
    """Yield growing, random pauses in seconds, so that processes do not try in step."""
    pause = MIN_PAUSE_SECONDS
    while True:
        yield pause * random.uniform(0.75, 1)  # noqa: S311 - no secret
        pause = min(pause * 1.1, MAX_PAUSE_SECONDS)


def _try_to_lock(descriptor: int) -> bool:
    """Return False while another process has the lock; True also where files cannot be locked."""
    try:
        # Not flock(2): a surviving fork would keep the lock of its dead parent.
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
