"""leadintake: lead intake for a law firm. Start reading at `application.create_app`.

Importing this package must load nothing: gunicorn reads its log configuration from `server_logs` before
gevent patches the standard library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_app(**overrides: object) -> Flask:
    """Create an application; see `application.create_app`."""
    from leadintake import application

    return application.create_app(**overrides)
