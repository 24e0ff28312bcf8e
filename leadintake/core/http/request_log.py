"""A log line per request, also for requests that never reach Flask.

It has method, route template, status, time until the last byte, request id and user id; no path, query or
header, which contain names, addresses and tokens.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import structlog
from flask import Flask, Response, request

from leadintake.core import logs, tracing

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

KEY = "leadintake.request_line"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
"""Other methods are not logged: they are client input."""
FALLBACK_BODY = b'{"type":"about:blank","title":"Internal Server Error","status":500,"request_id":"%s"}'
log = structlog.get_logger()


class RequestLine:
    """A request's line, logged when its answer is closed."""

    __slots__ = ("_span", "_start", "_written", "method", "request_id", "route", "status", "user_id")

    def __init__(self, method: str, request_id: str, span: tracing.Span) -> None:
        self.method = method if method in METHODS else "OTHER"
        self.request_id = request_id
        self.route: str | None = None
        self.status = 0
        self.user_id: str | None = None
        self._start, self._span = time.perf_counter(), span
        self._written = False

    def write(self) -> None:
        if self._written:
            return
        self._written = True
        facts = {
            "method": self.method,
            "route": self.route,
            "status": self.status,
            "request_id": self.request_id,
            "user": self.user_id,
        }
        log.info("request", **facts, ms=round((time.perf_counter() - self._start) * 1000, 1))
        self._span.end(f"{self.method} {self.route or ''}".strip(), failed=self.status >= 500, **facts)


class AnswerBroken(Exception):
    """An answer's body failed midway. Without message: the server logs it."""


class LogRequests:
    """Middleware, the outermost: log a line per request."""

    def __init__(self, application: WSGIApplication, app: Flask) -> None:
        self._application, self._app = application, app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer; log the line when the answer is closed.

        Clients' traceparent is ignored: anybody could add to another's trace.
        """
        span = tracing.tracer_of(self._app).begin("server")
        line = RequestLine(environ.get("REQUEST_METHOD", ""), logs.identify(environ), span)
        environ[KEY] = line

        def begin(status: str, headers: list[tuple[str, str]], *failure: Any) -> Any:
            line.status = int(status[:3])
            if not any(name == logs.HEADER for name, _ in headers):
                headers = [*headers, (logs.HEADER, line.request_id)]
            return start_response(status, headers, *failure)

        try:
            with span.active():
                body = self._application(environ, begin)
        except Exception:
            log.exception("unexpected_failure", request_id=line.request_id)
            begin("500 Internal Server Error", [("Content-Type", "application/problem+json")])
            body = [FALLBACK_BODY % line.request_id.encode()]
        return _Answer(body, line)


class _Answer:
    def __init__(self, body: Iterable[bytes], line: RequestLine) -> None:
        self._body, self._pieces, self._line = body, iter(body), line

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except StopIteration:
            raise
        except Exception:
            log.exception("answer_broken", request_id=self._line.request_id)
            raise AnswerBroken from None

    def close(self) -> None:
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            self._line.write()


def init_app(app: Flask) -> None:
    """Install the middleware."""
    app.wsgi_app = LogRequests(app.wsgi_app, app)  # type: ignore[method-assign] # as WSGI middleware is
    app.after_request(_note_route)


def name_user(user_id: object) -> None:
    """Add the user to this request's line."""
    line = request.environ.get(KEY)
    if line is not None:
        line.user_id = str(user_id)


def _note_route(response: Response) -> Response:
    line = request.environ.get(KEY)
    if line is not None and request.url_rule is not None:
        line.route = request.url_rule.rule
    return response
