"""Traces that link a request, its messages and their deliveries; nothing without a tracer.

monitoring/tracing.py chooses the library.
"""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from typing import Literal, Protocol, cast

from flask import Flask, current_app

Kind = Literal["server", "producer", "consumer"]
EXTENSION = "leadintake.tracer"


class Span(Protocol):
    """A span. Its facts are ids, codes and fixed words, never typed text."""

    def active(self) -> AbstractContextManager[object]:
        """Make it the parent of spans begun inside."""

    def traceparent(self) -> str | None:
        """Return its W3C traceparent, to continue the trace elsewhere; None if not recorded."""

    def end(self, name: str, *, failed: bool = False, **facts: str | int | None) -> None:
        """End it under this name."""


class Tracer(Protocol):
    def begin(self, kind: Kind, *, parent: str | None = None) -> Span:
        """Begin a span: a child of `parent`, else of the active span, else a new trace."""


class NoSpan:
    """A span that records nothing."""

    def active(self) -> AbstractContextManager[object]:
        return contextlib.nullcontext()

    def traceparent(self) -> str | None:
        return None

    def end(self, name: str, *, failed: bool = False, **facts: str | int | None) -> None: ...


class NoTracer:
    """A tracer without records."""

    def begin(self, _kind: Kind, *, parent: str | None = None) -> Span:  # noqa: ARG002 - as every tracer
        return NO_SPAN


NO_SPAN, NO_TRACER = NoSpan(), NoTracer()


def tracer_of(app: Flask) -> Tracer:
    """Return the application's tracer."""
    return cast("Tracer", app.extensions.get(EXTENSION, NO_TRACER))


def begin(kind: Kind, *, parent: str | None = None) -> Span:
    """Begin a span in the current application."""
    return tracer_of(current_app).begin(kind, parent=parent)
