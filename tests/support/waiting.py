"""Waiting for what another thread or process does, without guessing how long it takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

WAIT_SECONDS = 60


def until(condition: Callable[[], Any]) -> Any:
    """Return what `condition` answers once that is true; fail when it never is."""
    deadline = time.monotonic() + WAIT_SECONDS
    pause = threading.Event()
    while not (answer := condition()):
        assert time.monotonic() < deadline, "it never happened"
        pause.wait(0.02)
    return answer


def all_at_once(number: int, act: Callable[[int], Any]) -> list[Any]:
    """What `act(0)` ... `act(number - 1)` return, begun at the same moment in threads of their own."""
    ready = threading.Barrier(number)

    def begin(which: int) -> Any:
        ready.wait(WAIT_SECONDS)
        return act(which)

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(begin, range(number)))
