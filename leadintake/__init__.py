"""leadintake: the front door of a law firm. Read `application.create_app` first; it is the table of contents.

Importing this package loads nothing: a server reads `server_logs` with its log configuration, before gunicorn
has gevent replace parts of the standard library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_app(**overrides: object) -> Flask:
    """Make an application. See `application.create_app`."""
    from leadintake import application

    return application.create_app(**overrides)
