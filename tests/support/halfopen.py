"""Clients that stop in the middle of what they send."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Iterator

ANSWER_SECONDS = 20


class HalfOpen:
    """A connection on which a request was begun, and its body was not ended."""

    def __init__(self, port: int, request: bytes, source: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 5, source_address=(source, 0))
        with contextlib.suppress(OSError):  # a server that has refused it already
            self.socket.sendall(request)

    def status(self, seconds: float = ANSWER_SECONDS) -> int | None:
        """What it was answered within so many seconds, None for nothing yet."""
        head = self.head(seconds)
        return int(head.split()[1]) if head else None

    def head(self, seconds: float = ANSWER_SECONDS) -> str:
        """The head of the answer, or nothing."""
        self.socket.settimeout(seconds)
        received = b""
        with contextlib.suppress(OSError):
            while b"\r\n\r\n" not in received:
                more = self.socket.recv(65536)
                if not more:
                    break
                received += more
        return received.partition(b"\r\n\r\n")[0].decode("latin-1")

    def everything(self, seconds: float) -> bytes:
        """All that comes until the connection ends, or nothing more comes within so many seconds."""
        self.socket.settimeout(seconds)
        received = b""
        with contextlib.suppress(OSError):  # it is reset, or stays open
            while more := self.socket.recv(65536):
                received += more
        return received

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


def begun(path: str, kind: str, length: int | None = 1000, *, head: str = "", sent: bytes = b"a") -> bytes:
    """The beginning of a request with a body of `length`, or a chunked one."""
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    body = sent if length is not None else b"%x\r\n%s\r\n" % (len(sent), sent)
    lines = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{framing}\r\n{head}\r\n"
    return lines.encode() + body


MULTIPART = begun(
    "/public/leads", "multipart/form-data; boundary=x", 100_000, sent=b"--x\r\nContent-Disposition: form-"
)
JSON = begun("/internal/session", "application/json", sent=b'{"email"')


@contextlib.contextmanager
def half_open(port: int, number: int, request: bytes, source: str = "127.0.0.1") -> Iterator[list[HalfOpen]]:
    """So many half-open clients of one address."""
    clients: list[HalfOpen] = []
    try:
        for _ in range(number):
            clients.append(HalfOpen(port, request, source))  # noqa: PERF401 - those that are open are closed
        yield clients
    finally:
        for client in clients:
            client.close()


def statuses(clients: list[HalfOpen], number: int) -> list[int | None]:
    """What so many of them were answered: the first that are."""
    end = time.monotonic() + ANSWER_SECONDS
    waiting = {client.socket: client for client in clients}
    found: list[int | None] = []
    while len(found) < number:
        ready, _, _ = select.select(waiting, (), (), max(0.0, end - time.monotonic()))
        assert ready, f"{len(found)} of {number} were answered"
        found += [waiting.pop(one).status() for one in ready]
    return found
