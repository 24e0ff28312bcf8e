"""Concurrency of the server: system threads, or greenlets (gevent)."""

from __future__ import annotations

import _thread
import functools
import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")

DEFAULT_THREADS, GREENLETS = 64, 1000
"""granian's value in every documented command; gunicorn's --worker-connections with gevent."""
NICENESS, MAX_BACKGROUND = 15, 4
"""Of a thread in the background (nice(2): 20 is the least), and how many there are."""


def has_greenlets() -> bool:
    """Return whether gevent has patched threading in this process."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


def server_threads() -> int:
    """Return how many requests this server process runs at once."""
    return threads_of_server(sys.argv, os.environ, greenlets=has_greenlets())


def threads_of_server(arguments: list[str], environment: Mapping[str, str], *, greenlets: bool) -> int:
    """Read that number from option, variable or documented default."""
    option, variable, default = (
        ("--worker-connections", "", GREENLETS)
        if greenlets
        else ("--blocking-threads", "GRANIAN_BLOCKING_THREADS", DEFAULT_THREADS)
    )
    candidates = [environment.get(variable, "")]
    for place, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == option:
            candidates.append(value or "".join(arguments[place + 1 : place + 2]))
    return next((int(text) for text in reversed(candidates) if text.isdecimal() and int(text)), default)


def run_off_hub(work: Callable[[], Result]) -> Result:
    """Run `work` in a system thread under gevent, else directly: CPU-bound work in C would block the hub.

    `work` must raise nothing and not use the request.
    """
    if not has_greenlets():
        return work()
    from gevent import get_hub

    result: Result = get_hub().threadpool.apply(work)
    return result


def run_in_background(work: Callable[[], Result]) -> Result:
    """Wait for `work`, done in a system thread that gets the processor when no other thread wants it.

    Threads that a C library starts inherit that. `work` must raise nothing and not use the request. On other
    systems than Linux it is an ordinary thread.
    """

    def work_last() -> Result:
        if sys.platform == "linux":  # elsewhere this would be the priority of the process
            os.setpriority(os.PRIO_PROCESS, _thread.get_native_id(), NICENESS)
        return work()

    if has_greenlets():
        result: Result = _greenlets_pool(os.getpid()).apply(work_last)
        return result
    return _threads_pool(os.getpid()).submit(work_last).result()


@functools.cache
def _threads_pool(_process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MAX_BACKGROUND, "background")


@functools.cache
def _greenlets_pool(_process: int) -> Any:
    from gevent.threadpool import ThreadPool

    return ThreadPool(MAX_BACKGROUND)
