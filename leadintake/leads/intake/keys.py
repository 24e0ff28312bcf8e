"""Idempotency keys that are being received, locked in this process."""

from __future__ import annotations

import threading

from leadintake.core.db.transaction import on_end
from leadintake.core.errors import Conflict
from leadintake.core.i18n.languages import N_

WAIT_SECONDS = 2.0


class InProgress(Conflict):
    """An equal submission is being processed."""

    def __init__(self) -> None:
        super().__init__(
            N_("This submission is being received already. Please wait a moment."),
            headers={"Retry-After": "1"},
        )


class KeyLocks:
    """A lock for each key in use."""

    def __init__(self) -> None:
        self._busy: dict[str, tuple[threading.Lock, int]] = {}
        self._guard = threading.Lock()

    def lock(self, key: str | None) -> None:
        """Lock the key until the transaction ends, or raise InProgress."""
        if key is None:
            return
        with self._guard:
            lock, users = self._busy.get(key, (threading.Lock(), 0))
            self._busy[key] = (lock, users + 1)
        if not lock.acquire(timeout=WAIT_SECONDS):
            self._release(key)
            raise InProgress

        def unlock() -> None:
            lock.release()
            self._release(key)

        on_end(unlock)

    def _release(self, key: str) -> None:
        with self._guard:
            lock, users = self._busy.pop(key)
            if users > 1:
                self._busy[key] = (lock, users - 1)


key_locks = KeyLocks()
