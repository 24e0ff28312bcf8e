"""Read to its end, in large pieces, what a refused request still sends.

gunicorn does so itself before the next request of a connection, in pieces of a kilobyte, and copies all that
has arrived for each (gunicorn 26: 8 MB took two seconds of the only processor that gevent has). A client that
is cut off instead would never read why it was refused. granian leaves the rest to the connection.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from flask import Flask
from werkzeug.wsgi import ClosingIterator

from leadintake.core import hub
from leadintake.core.http.turns import WSGIApp

PIECE_BYTES = 1024 * 1024
DRAIN_SECONDS = 2
"""As long as gunicorn waits for the next request of a connection."""


class DrainBodies:
    """The application, and the end of each body that it did not read. Goes around the application."""

    def __init__(self, application: WSGIApp, most_bytes: int) -> None:
        self._application, self._most = application, most_bytes

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request; what is left of its body is read once the answer is sent."""
        answer = self._application(environ, start_response)
        source = environ["wsgi.input"]
        if not hub.has_greenlets() or not hasattr(source, "failed") or source.failed:
            return answer
        return ClosingIterator(answer, lambda: self._drain(source))

    def _drain(self, source: Any) -> None:
        from gevent import Timeout

        left = self._most
        with (
            suppress(Exception),
            Timeout(DRAIN_SECONDS, False),
        ):  # what a broken body raises marks it as failed
            while left > 0 and (piece := source.read(min(left, PIECE_BYTES))):
                left -= len(piece)
            if left > 0:
                return
        source.failed = True  # gunicorn closes the connection: nobody knows where the body ends


def init_app(app: Flask) -> None:
    """Read what the application left. To be called after the bounds of bodies are known."""
    app.wsgi_app = DrainBodies(  # type: ignore[method-assign] # as WSGI middleware is
        app.wsgi_app, app.config["MAX_CONTENT_LENGTH"]
    )
