"""Draining of bodies that a refused request left unread, in large pieces.

A client whose connection is closed never reads the refusal. gunicorn drains before the connection's next
request, 1 KB at a time, copying the rest each time (gunicorn 26: 8 MB blocked gevent's only processor for two
seconds). granian leaves the rest to the connection.
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
"""As long as gunicorn waits for a connection's next request."""


class DrainBodies:
    """Middleware: drain each unread body. Install outside of the turns: draining takes no turn."""

    def __init__(self, application: WSGIApp, most_bytes: int) -> None:
        self._application, self._most = application, most_bytes

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request; drain its body once the answer is sent."""
        answer = self._application(environ, start_response)
        source = environ["wsgi.input"]
        if not hub.has_greenlets() or not hasattr(source, "failed") or source.failed:
            return answer
        return ClosingIterator(answer, lambda: self._drain(source))

    def _drain(self, source: Any) -> None:
        from gevent import Timeout

        left = self._most
        # A broken body marks its source as failed.
        with suppress(Exception), Timeout(DRAIN_SECONDS, False):
            while left > 0 and (piece := source.read(min(left, PIECE_BYTES))):
                left -= len(piece)
            if left > 0:
                return
        source.failed = True  # gunicorn closes the connection: the end of the body is unknown


def init_app(app: Flask) -> None:
    """Install the middleware, after the limits of bodies are set."""
    app.wsgi_app = DrainBodies(  # type: ignore[method-assign] # as WSGI middleware is
        app.wsgi_app, app.config["MAX_CONTENT_LENGTH"]
    )
