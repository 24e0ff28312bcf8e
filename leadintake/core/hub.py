"""What serves requests at once: threads of the system, or greenlets that gevent has put in their place."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TypeVar

Result = TypeVar("Result")

USUAL_THREADS, GREENLETS = 64, 1000
"""granian's in every command we name, and gunicorn's --worker-connections with gevent."""


def has_greenlets() -> bool:
    """Whether gevent has made threads cheap in this process."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


def server_threads() -> int:
    """How many requests the server of this process works on at once."""
    return threads_of_server(sys.argv, os.environ, greenlets=has_greenlets())


def threads_of_server(arguments: list[str], environment: Mapping[str, str], *, greenlets: bool) -> int:
    """How many requests the server works on at once: its option or variable, else what we document."""
    option, variable, usual = (
        ("--worker-connections", "", GREENLETS)
        if greenlets
        else ("--blocking-threads", "GRANIAN_BLOCKING_THREADS", USUAL_THREADS)
    )
    told = [environment.get(variable, "")]
    for place, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == option:
            told.append(value or "".join(arguments[place + 1 : place + 2]))
    return next((int(one) for one in reversed(told) if one.isdecimal() and int(one)), usual)


def beside_the_hub(work: Callable[[], Result]) -> Result:
    """Do the work in a thread of the system where there are greenlets, else right here.

    Work that keeps a processor busy in C would stop them all. It must raise nothing, and touch nothing of the
    request.
    """
    if not has_greenlets():
        return work()
    from gevent import get_hub

    result: Result = get_hub().threadpool.apply(work)
    return result
