"""leadintake: lead intake for a law firm. Start reading at `application.create_app`.

Importing this package must load nothing: gunicorn reads its log configuration from `server_logs` before
gevent patches the standard library.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_app(**overrides: object) -> Flask:
    """Create an application; see `application.create_app`."""
    with _collector_at_rest():
        from leadintake import application
    return application.create_app(**overrides)


@contextlib.contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Collect no garbage while modules are loaded; what they define lives as long as the process.

    Looking through it again and again takes a sixth of the start of a command.
    """
    if gc.get_freeze_count() or not gc.isenabled():  # loaded before, or the host program decides
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
