"""Traces: what a request, a message and its delivery have in common. Without a tracer nothing happens here.

Which library keeps them is decided in monitoring/tracing.py.
"""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from typing import Literal, Protocol, cast

from flask import Flask, current_app

Kind = Literal["server", "producer", "consumer"]
EXTENSION = "leadintake.tracer"


class Span(Protocol):
    """A stretch of work. Its facts are ids, codes and words of ours: nothing that somebody typed."""

    def active(self) -> AbstractContextManager[object]:
        """Have spans that begin inside be its children."""

    def traceparent(self) -> str | None:
        """Its place in the trace, to be continued elsewhere (W3C Trace Context)."""

    def end(self, name: str, *, failed: bool = False, **facts: str | int | None) -> None:
        """End it under its name."""


class Tracer(Protocol):
    """Begins spans."""

    def begin(self, kind: Kind, *, parent: str | None = None) -> Span:
        """Begin a span: a child of `parent`, of the active one, or a trace of its own."""


class NoSpan:
    """A span that nobody keeps."""

    def active(self) -> AbstractContextManager[object]:
        """Do nothing."""
        return contextlib.nullcontext()

    def traceparent(self) -> str | None:
        """None: there is nothing to continue."""
        return None

    def end(self, name: str, *, failed: bool = False, **facts: str | int | None) -> None:
        """Do nothing."""


class NoTracer:
    """Keeps nothing."""

    def begin(self, _kind: Kind, *, parent: str | None = None) -> Span:  # noqa: ARG002 - as every tracer
        """The span that nobody keeps."""
        return NO_SPAN


NO_SPAN, NO_TRACER = NoSpan(), NoTracer()


def tracer_of(app: Flask) -> Tracer:
    """The tracer of an application."""
    return cast("Tracer", app.extensions.get(EXTENSION, NO_TRACER))


def begin(kind: Kind, *, parent: str | None = None) -> Span:
    """Begin a span of the running application."""
    return tracer_of(current_app).begin(kind, parent=parent)
