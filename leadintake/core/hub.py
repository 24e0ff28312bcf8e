"""Work that keeps a processor busy in C, where threads are gevent's: one such call would stop them all."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def beside_the_hub(work: Callable[[], Result]) -> Result:
    """Do the work in a thread of the system where gevent has taken the place of threads, else right here.

    The work must raise nothing, and touch nothing of the request.
    """
    if "gevent" not in sys.modules:
        return work()
    from gevent import get_hub, monkey

    if not monkey.is_module_patched("threading"):
        return work()
    result: Result = get_hub().threadpool.apply(work)
    return result
