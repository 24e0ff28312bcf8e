"""Structured logs and the id that ties an answer to its log lines.

No line has an address, a file name or a value that somebody typed: nobody puts one in, an exception is
written without its message (`leadintake.server_logs.failures`), and what looks like an address is masked.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import secrets
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO, cast

import structlog
from flask import Flask, Response, has_request_context, request

from leadintake.server_logs.failures import trace_of
from leadintake.server_logs.lines import LineFormatter

SENT_BY_CLIENT = re.compile(r"[A-Za-z0-9._-]{8,64}")
ADDRESS = re.compile(r"[^\s<>\"'(),;:]{1,200}@[^\s<>\"'(),;:]{1,255}")
MASK = "…@…"
KEY, HEADER = "leadintake.request_id", "X-Request-Id"


def init_app(app: Flask) -> None:
    """Send log events to standard error and give every request an id."""
    _configure(app.config["LOG_FORMAT"])
    app.before_request(_name_request)
    app.after_request(_tell_name)
    app.teardown_request(_forget_name)


def _configure(form: str) -> None:
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _write_trace,
            _mask_addresses,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _Unfailing())),
    )
    if form == "json" and not logging.getLogger().handlers:  # a server's log configuration has one
        handler = logging.StreamHandler(cast("TextIO", _Unfailing()))
        handler.setFormatter(LineFormatter(as_json=True))
        logging.getLogger().addHandler(handler)


def _write_trace(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put the trace of an exception in its place, without messages and values."""
    told = event.pop("exc_info", None)
    error = sys.exc_info()[1] if told is True else told
    if isinstance(error, BaseException):
        event["exception"] = trace_of(error)
    return event


def _mask_addresses(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask what looks like a mail address, wherever it came from: replies of servers have some."""
    for name, value in event.items():
        if isinstance(value, str) and "@" in value:
            event[name] = ADDRESS.sub(MASK, value)
    return event


class _Unfailing(io.TextIOBase):
    """Standard error, on a full disk too: a line that cannot be logged must not cost an answer."""

    def write(self, text: str) -> int:
        """Write what can be written."""
        with contextlib.suppress(OSError, ValueError):
            cast("TextIO", sys.__stderr__).write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        with contextlib.suppress(OSError, ValueError):
            cast("TextIO", sys.__stderr__).flush()


def identify(environ: MutableMapping[str, Any]) -> str:
    """The id of a request: the client's own if it is a plain one, else a new one."""
    found = environ.get(KEY)
    if found is None:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        found = environ[KEY] = given if SENT_BY_CLIENT.fullmatch(given) else secrets.token_hex(8)
    return str(found)


def request_id() -> str:
    """The id of this request."""
    return identify(request.environ)


def current_request_id() -> str | None:
    """The id of the request that the work at hand began with; None for what an operator or a clock began."""
    if has_request_context():
        return request_id()
    bound = structlog.contextvars.get_contextvars().get("request_id")
    return None if bound is None else str(bound)


def _name_request() -> None:
    structlog.contextvars.bind_contextvars(request_id=request_id())


def _tell_name(response: Response) -> Response:
    response.headers[HEADER] = request_id()
    return response


def _forget_name(_error: BaseException | None) -> None:
    structlog.contextvars.clear_contextvars()
