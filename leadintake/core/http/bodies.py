"""Request bodies: media types and sizes by route, reading within a time limit.

A view with a form (`@api(form=…)`, `@allow_files`) takes multipart/form-data with files; any other takes JSON
or an urlencoded form of up to SMALL_BYTES.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, cast

from flask import Flask, Request, current_app, g, has_app_context
from werkzeug.exceptions import BadRequest
from werkzeug.wsgi import get_content_length

from leadintake.core import hub
from leadintake.core.errors import Refusal, UnsupportedMediaType, wants_html
from leadintake.core.http import turns
from leadintake.core.http.addresses import client_key
from leadintake.core.http.incomplete_bodies import Arrival, IncompleteBodies, Sender
from leadintake.core.i18n.languages import N_

SMALL_BYTES = 64 * 1024
"""Maximum of JSON or an urlencoded form."""
FORM_OVERHEAD_BYTES = 256 * 1024
"""Maximum of a form without its file: names, boundaries, headers."""
MAX_DISCARDED_BYTES = 32 * 1024 * 1024
"""A longer form is refused while it is sent, which browsers and proxies report as a lost connection."""
PIECE_BYTES = 64 * 1024
SILENCE_SECONDS = 30
GRACE_SECONDS, LEAST_BYTES_PER_SECOND = 60, 8 * 1024
"""A body may take a minute plus its time at 64 kbit/s: 22 minutes for 10 MB."""


class Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


class BodyTooLarge(Refusal):
    status = 413
    title = N_("Request Entity Too Large")


class FormTooLarge(BodyTooLarge):
    """A form too large by its Content-Length, from a browser: its first FORM_OVERHEAD_BYTES were read."""


class TooSlow(Refusal):
    status = 408
    title = N_("Request Timeout")

    def __init__(self) -> None:
        super().__init__(N_("What you sent did not arrive in time. Please try again."))


def init_app(app: Flask) -> None:
    """Bound the bodies of requests."""
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_UPLOAD_BYTES"] + FORM_OVERHEAD_BYTES
    app.config["MAX_FORM_PARTS"] = 50


def takes_files(request: Request) -> bool:
    """Return whether this request's view takes a form with a file."""
    view = current_app.view_functions.get(request.endpoint or "") if has_app_context() else None
    interface = getattr(view, "interface", None)
    return getattr(view, "takes_files", False) or (interface is not None and interface.form is not None)


def most_bytes(request: Request) -> int:
    """Return the maximum size of this request's body."""
    with_file = request.mimetype == "multipart/form-data" and takes_files(request)
    return int(current_app.config["MAX_CONTENT_LENGTH"]) if with_file else SMALL_BYTES


def refuse_other_forms(request: Request) -> None:
    """Raise UnsupportedMediaType, before reading, for a form that this view does not take."""
    if request.mimetype.startswith("multipart/") and not takes_files(request):
        raise UnsupportedMediaType
    if request.content_encoding and request.mimetype != "application/json":
        raise UnsupportedMediaType(N_("Send the form as it is, not compressed."))


def count_for_person(person: object) -> None:
    """Count this body for the person, not the address: others there must not delay it."""
    g.sender = Sender(f"person|{person}", signed_in=True)


def open_body(request: Request) -> io.RawIOBase | io.BytesIO:
    """Return this request's body as a stream. Raises BodyTooLarge by its Content-Length.

    A form with a file is received to its end all the same, up to MAX_DISCARDED_BYTES: a client that still
    sends does not read the answer, and nginx responds 502. Of a browser's form the beginning is kept, so that
    the page can show again what was typed.
    """
    environ, most = request.environ, most_bytes(request)
    # An empty Content-Length is an absent one (PEP 3333).
    length = get_content_length(environ) if environ.get("CONTENT_LENGTH") else None
    if length is not None and length > most:
        has_file = request.mimetype == "multipart/form-data" and takes_files(request)
        refusal: type[BodyTooLarge] = BodyTooLarge
        if has_file and wants_html():
            most, refusal = FORM_OVERHEAD_BYTES, FormTooLarge
        elif has_file and length <= MAX_DISCARDED_BYTES and not isinstance(environ["wsgi.input"], io.BytesIO):
            most = 0
        else:
            raise BodyTooLarge
        return IncomingBody(environ, length, most, lambda: _sender_of(request), refusal=refusal)
    if length == 0 or (length is None and not _is_streamed(environ)):
        return io.BytesIO()
    return IncomingBody(environ, length, most, lambda: _sender_of(request))


def _is_streamed(environ: dict[str, Any]) -> bool:
    """Return whether a body without length may follow; HTTP/1 announces it (RFC 9112, 6.3)."""
    if not environ.get("wsgi.input_terminated"):
        return False  # nothing would mark its end
    announced = "HTTP_TRANSFER_ENCODING" in environ or not environ["SERVER_PROTOCOL"].startswith("HTTP/1")
    return announced or isinstance(environ["wsgi.input"], io.BytesIO)


def _sender_of(request: Request) -> Sender:
    known: Sender | None = g.get("sender")
    return known or Sender(client_key(request.remote_addr or ""))


def _incomplete_bodies() -> IncompleteBodies:
    """Return this process's seats, counted once the server is known."""
    extensions = current_app.extensions
    if "leadintake.bodies" not in extensions:
        counted = IncompleteBodies(current_app.config["BODIES_PER_ADDRESS"], hub.server_threads())
        extensions.setdefault("leadintake.bodies", counted)
    return cast("IncompleteBodies", extensions["leadintake.bodies"])


class IncomingBody(io.RawIOBase):
    """A body limited in size and time. A refusal is raised again by every later read."""

    def __init__(
        self,
        environ: dict[str, Any],
        length: int | None,
        most: int,
        sender: Callable[[], Sender],
        *,
        refusal: type[BodyTooLarge] = BodyTooLarge,
    ) -> None:
        self._environ = environ
        self._source: Source = environ["wsgi.input"]
        self._length, self._most, self._sender = length, most, sender
        self._too_large = refusal
        self._in_memory = isinstance(self._source, io.BytesIO)
        self._arrival: Arrival | None = None
        self._refusal: Exception | None = None
        self._start = time.monotonic()
        self._read = 0
        self._whole = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._next(min(len(buffer), PIECE_BYTES))
        buffer[: len(piece)] = piece
        return len(piece)

    def readall(self) -> bytes:
        pieces = []
        while piece := self._next(PIECE_BYTES):
            pieces.append(piece)
        return b"".join(pieces)

    def release(self) -> None:
        """Stop reading; free the seat."""
        self._whole = True
        if self._arrival is not None:
            _incomplete_bodies().finish(self._arrival)

    def _next(self, size: int) -> bytes:
        if self._refusal is not None:
            raise self._refusal
        try:
            return b"" if self._whole else self._next_piece(size)
        except Exception as error:
            self._refusal = error
            self.release()
            raise

    def _next_piece(self, size: int) -> bytes:
        # Without a length, read one byte more than the maximum, to detect a longer body.
        count = min(size, (self._most + 1 if self._length is None else self._length) - self._read)
        try:
            piece = self._source.read(count) if self._in_memory else self._read_network(count)
        except (OSError, ValueError) as error:
            raise BadRequest("The connection broke before all of it had come.") from error
        self._read += len(piece)
        if self._read > self._most:
            self._discard_rest()
            turns.resume(self._environ)
            raise self._too_large
        if self._read == self._length or (len(piece) < count and self._length is None):
            self.release()
            turns.resume(self._environ)
        elif not piece:
            raise BadRequest("Less came than the Content-Length says.")
        return piece

    def _discard_rest(self) -> None:
        if self._length is None or self._length > MAX_DISCARDED_BYTES or self._in_memory:
            return
        with suppress(OSError, ValueError):  # the client closed the connection
            while piece := self._read_network(min(PIECE_BYTES, self._length - self._read)):
                self._read += len(piece)

    def _read_network(self, size: int) -> bytes:
        """Read from the network, with a seat, within the client's time.

        gevent can interrupt a read. granian (2.8.7) cannot, and an answer during another thread's read stalls
        it: there the time is checked between pieces, and seats bound the threads.
        """
        if self._arrival is None:
            turns.pause(self._environ)
            self._arrival = _incomplete_bodies().admit(self._sender())
        self._arrival.since = time.monotonic()
        left = self._seconds_left()
        if left <= 0:
            raise self._time_out()
        if not hub.has_greenlets():
            return self._source.read(size)
        from gevent import Timeout

        with Timeout(min(left, SILENCE_SECONDS), False):
            return self._source.read(size)
        raise self._time_out()

    def _time_out(self) -> TooSlow:
        if hasattr(self._source, "failed"):
            self._source.failed = True  # gunicorn closes the connection: the end of the body is unknown
        return TooSlow()

    def _seconds_left(self) -> float:
        expected = self._read if self._length is None else min(self._length, MAX_DISCARDED_BYTES)
        return self._start + GRACE_SECONDS + expected / LEAST_BYTES_PER_SECOND - time.monotonic()
