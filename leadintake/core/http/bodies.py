"""What a request's body may be: decided here for every route, and read here with a deadline.

A view that declares a form (`@speaks(form=…)`) takes files, as multipart/form-data. Every other takes JSON or
an urlencoded form of 64 KB at most, and no multipart at all.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any, Protocol, cast

from flask import Flask, Request, current_app, g, has_app_context
from werkzeug.exceptions import BadRequest
from werkzeug.wsgi import get_content_length

from leadintake.core import hub
from leadintake.core.errors import Refusal, WrongKind
from leadintake.core.http import turns
from leadintake.core.http.addresses import client_key
from leadintake.core.http.unfinished import Arrival, Sender, Unfinished
from leadintake.core.languages import phrase

SMALL_BYTES = 64 * 1024
"""Most that JSON or an urlencoded form may weigh."""
FORM_OVERHEAD_BYTES = 256 * 1024
"""What a form with a file may weigh beside the file: names, boundaries, headers of parts."""
PIECE_BYTES = 64 * 1024
SILENCE_SECONDS = 30
GRACE_SECONDS, LEAST_BYTES_PER_SECOND = 60, 8 * 1024
"""A whole body may take a minute and what it takes at 64 kbit/s: 10 MB pass in 22 minutes."""


class Source(Protocol):
    """What a server gives us to read from."""

    def read(self, size: int, /) -> bytes: ...


class BodyTooLarge(Refusal):
    """The body weighs more than the route takes."""

    status = 413
    title = phrase("Request Entity Too Large")


class TooSlow(Refusal):
    """The body did not come in time."""

    status = 408
    title = phrase("Request Timeout")

    def __init__(self) -> None:
        super().__init__(phrase("What you sent did not arrive in time. Please try again."))


def init_app(app: Flask) -> None:
    """Bound what a request may bring."""
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_UPLOAD_BYTES"] + FORM_OVERHEAD_BYTES
    app.config["MAX_FORM_PARTS"] = 50


def takes_files(request: Request) -> bool:
    """Whether the view that answers this request takes a form with a file."""
    view = current_app.view_functions.get(request.endpoint or "") if has_app_context() else None
    interface = getattr(view, "interface", None)
    return interface is not None and interface.form is not None


def most_bytes(request: Request) -> int:
    """How much the body of this request may weigh."""
    with_file = request.mimetype == "multipart/form-data" and takes_files(request)
    return int(current_app.config["MAX_CONTENT_LENGTH"]) if with_file else SMALL_BYTES


def refuse_other_forms(request: Request) -> None:
    """Raise WrongKind for a form of a kind that this view does not take, before any of it is read."""
    if request.mimetype.startswith("multipart/") and not takes_files(request):
        raise WrongKind
    if request.content_encoding and request.mimetype != "application/json":
        raise WrongKind(phrase("Send the form as it is, not compressed."))


def count_for_person(person: object) -> None:
    """Count what this request sends as theirs: strangers at the same address do not keep them waiting."""
    g.sender = Sender(f"person|{person}", signed_in=True)


def incoming(request: Request) -> io.RawIOBase | io.BytesIO:
    """The body of this request, to be read once. Raises BodyTooLarge by its Content-Length."""
    environ, most = request.environ, most_bytes(request)
    length = (
        get_content_length(environ) if environ.get("CONTENT_LENGTH") else None
    )  # empty is absent (PEP 3333)
    if length is not None and length > most:
        raise BodyTooLarge
    if length == 0 or (length is None and not _is_streamed(environ)):
        return io.BytesIO()
    return IncomingBody(environ, length, most, lambda: _sender_of(request))


def _is_streamed(environ: dict[str, Any]) -> bool:
    """Whether a body without a length may follow. HTTP/1 announces it (RFC 9112, 6.3)."""
    if not environ.get("wsgi.input_terminated"):
        return False  # nobody would say where it ends
    announced = "HTTP_TRANSFER_ENCODING" in environ or not environ["SERVER_PROTOCOL"].startswith("HTTP/1")
    return announced or isinstance(environ["wsgi.input"], io.BytesIO)


def _sender_of(request: Request) -> Sender:
    known: Sender | None = g.get("sender")
    return known or Sender(client_key(request.remote_addr or ""))


def _bodies_under_way() -> Unfinished:
    """The count of this process, made when the first body comes: only then the server is known."""
    extensions = current_app.extensions
    if "leadintake.bodies" not in extensions:
        counted = Unfinished(current_app.config["BODIES_PER_ADDRESS"], hub.server_threads())
        extensions.setdefault("leadintake.bodies", counted)
    return cast("Unfinished", extensions["leadintake.bodies"])


class IncomingBody(io.RawIOBase):
    """A body as it arrives, cut off where it is too long or too slow. What was refused once stays refused."""

    def __init__(
        self, environ: dict[str, Any], length: int | None, most: int, sender: Callable[[], Sender]
    ) -> None:
        self._environ = environ
        self._source: Source = environ["wsgi.input"]
        self._length, self._most, self._sender = length, most, sender
        self._in_memory = isinstance(self._source, io.BytesIO)
        self._arrival: Arrival | None = None
        self._refusal: Exception | None = None
        self._begun = time.monotonic()
        self._read = 0
        self._whole = False

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what comes next, no more than a piece."""
        piece = self._next(min(len(buffer), PIECE_BYTES))
        buffer[: len(piece)] = piece
        return len(piece)

    def readall(self) -> bytes:
        """Read all of it."""
        pieces = []
        while piece := self._next(PIECE_BYTES):
            pieces.append(piece)
        return b"".join(pieces)

    def release(self) -> None:
        """Want no more of it."""
        self._whole = True
        if self._arrival is not None:
            _bodies_under_way().finish(self._arrival)

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
        # Without a length one byte more than may come is asked for, to know that it is too long.
        wanted = min(size, (self._most + 1 if self._length is None else self._length) - self._read)
        try:
            piece = self._source.read(wanted) if self._in_memory else self._await(wanted)
        except (OSError, ValueError) as error:
            raise BadRequest("The connection broke before all of it had come.") from error
        self._read += len(piece)
        if self._read > self._most:
            raise BodyTooLarge
        if self._read == self._length or (len(piece) < wanted and self._length is None):
            self.release()
            turns.resume(self._environ)
        elif not piece:
            raise BadRequest("Less came than the Content-Length says.")
        return piece

    def _await(self, size: int) -> bytes:
        """Read from the network, with a seat, and no longer than a client may take.

        gevent interrupts a read. granian does not, and answering while another thread reads stalls it
        (tried with 2.8.7): there time is looked at between pieces, and the seats are the bound.
        """
        if self._arrival is None:
            turns.pause(self._environ)
            self._arrival = _bodies_under_way().admit(self._sender())
        self._arrival.since = time.monotonic()
        left = self._seconds_left()
        if left <= 0:
            raise self._too_slow()
        if not hub.has_greenlets():
            return self._source.read(size)
        from gevent import Timeout

        with Timeout(min(left, SILENCE_SECONDS), False):
            return self._source.read(size)
        raise self._too_slow()

    def _too_slow(self) -> TooSlow:
        if hasattr(self._source, "failed"):
            self._source.failed = True  # gunicorn closes the connection: nobody knows where the body ends
        return TooSlow()

    def _seconds_left(self) -> float:
        expected = self._read if self._length is None else self._length
        return self._begun + GRACE_SECONDS + expected / LEAST_BYTES_PER_SECOND - time.monotonic()
