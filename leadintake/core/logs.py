"""Structured logs, and the request id that links an answer to its log lines.

No line contains an address, a file name or typed text: exceptions are logged without message
(`leadintake.server_logs.failures`), mail addresses are masked.
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

CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
ADDRESS = re.compile(r"[^\s<>\"'(),;:]{1,200}@[^\s<>\"'(),;:]{1,255}")
MASK = "…@…"
KEY, HEADER = "leadintake.request_id", "X-Request-Id"


def init_app(app: Flask) -> None:
    """Log to standard error; give every request an id."""
    _configure(app.config["LOG_FORMAT"])
    app.before_request(_bind_request_id)
    app.after_request(_add_header)
    app.teardown_request(_clear_context)


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
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _SafeStderr())),
    )
    if form == "json" and not logging.getLogger().handlers:  # else the server's log configuration applies
        handler = logging.StreamHandler(cast("TextIO", _SafeStderr()))
        handler.setFormatter(LineFormatter(as_json=True))
        logging.getLogger().addHandler(handler)


def _write_trace(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace `exc_info` by a traceback without messages and values."""
    exc_info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if exc_info is True else exc_info
    if isinstance(error, BaseException):
        event["exception"] = trace_of(error)
    return event


def _mask_addresses(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask mail addresses: replies of mail servers contain some."""
    for name, value in event.items():
        if isinstance(value, str) and "@" in value:
            event[name] = ADDRESS.sub(MASK, value)
    return event


class _SafeStderr(io.TextIOBase):
    """Standard error that ignores write errors, as of a full disk."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            cast("TextIO", sys.__stderr__).write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            cast("TextIO", sys.__stderr__).flush()


def identify(environ: MutableMapping[str, Any]) -> str:
    """Return the id of a request: the client's if well-formed, else a new one."""
    found = environ.get(KEY)
    if found is None:
        client_id = environ.get("HTTP_X_REQUEST_ID", "")
        found = environ[KEY] = client_id if CLIENT_ID.fullmatch(client_id) else secrets.token_hex(8)
    return str(found)


def request_id() -> str:
    return identify(request.environ)


def current_request_id() -> str | None:
    """Return the id of the request behind the current work; None for commands and timers."""
    if has_request_context():
        return request_id()
    bound = structlog.contextvars.get_contextvars().get("request_id")
    return None if bound is None else str(bound)


def _bind_request_id() -> None:
    structlog.contextvars.bind_contextvars(request_id=request_id())


def _add_header(response: Response) -> Response:
    response.headers[HEADER] = request_id()
    return response


def _clear_context(_error: BaseException | None) -> None:
    structlog.contextvars.clear_contextvars()
