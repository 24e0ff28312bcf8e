"""Concurrency of the server: system threads, or greenlets (gevent)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TypeVar

Result = TypeVar("Result")

DEFAULT_THREADS, GREENLETS = 64, 1000
"""granian's value in every documented command; gunicorn's --worker-connections with gevent."""


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
