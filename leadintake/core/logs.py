"""Structured logs and the id that ties an answer to its log lines."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import secrets
import sys
from typing import Any, TextIO, cast

import structlog
from flask import Flask, Response, g, request

SENT_BY_CLIENT = re.compile(r"[A-Za-z0-9._-]{8,64}")


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
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _Unfailing())),
    )


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


def request_id() -> str:
    """The id of this request: the client's own if it is a plain one, else a new one."""
    if "request_id" not in g:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if SENT_BY_CLIENT.fullmatch(given) else secrets.token_hex(8)
    return str(g.request_id)


def _name_request() -> None:
    structlog.contextvars.bind_contextvars(request_id=request_id())


def _tell_name(response: Response) -> Response:
    response.headers["X-Request-Id"] = request_id()
    return response


def _forget_name(_error: BaseException | None) -> None:
    structlog.contextvars.clear_contextvars()
