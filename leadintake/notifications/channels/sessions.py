"""SMTP sessions of smtplib with limits on total time."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

OPENING_SECONDS = 50
CONNECT_SECONDS = 20
"""For all addresses of the server together: smtplib waits MAIL_TIMEOUT for each."""


class _TimeLimit:
    """Mixin: keep the reply to DATA, and limit total time.

    A socket timeout applies to each read: a server that sends single bytes never reaches it.
    """

    sock: socket.socket | None
    data_reply = b""

    def connect(self, *arguments: Any, **options: Any) -> Any:
        with self.limit_time(OPENING_SECONDS):
            return super().connect(*arguments, **options)  # type: ignore[misc] # mixin over smtplib.SMTP

    def data(self, msg: Any) -> tuple[int, bytes]:
        code, text = super().data(msg)  # type: ignore[misc] # the same
        self.data_reply = b"%d %s" % (code, text)
        return code, text

    @contextmanager
    def limit_time(self, seconds: float) -> Iterator[None]:
        """Cut the connection if the block takes longer."""
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        if self.sock is not None:
            with contextlib.suppress(OSError):  # already closed
                # SSLSocket.shutdown would change TLS state that the other thread uses.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class _SharedConnectTimeout(smtplib.SMTP):
    """Divide CONNECT_SECONDS among the server's addresses."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        deadline = time.monotonic() + CONNECT_SECONDS
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [(str(address[0]), port) for *_, address in found]
        last_error: OSError | None = None
        for number, address in enumerate(addresses):
            share = (deadline - time.monotonic()) / (len(addresses) - number)
            try:
                return socket.create_connection(address, min(timeout, share))
            except OSError as error:
                last_error = error
        raise last_error or OSError(f"{host} has no address")


class PlainSession(_TimeLimit, _SharedConnectTimeout):
    """Session that begins without TLS; STARTTLS may follow."""


class TlsSession(_TimeLimit, smtplib.SMTP_SSL, _SharedConnectTimeout):
    """Session with implicit TLS (RFC 8314)."""


SmtpSession = PlainSession | TlsSession
