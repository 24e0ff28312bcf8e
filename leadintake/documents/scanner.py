"""The virus scanner: clamd, spoken to over its socket (clamd(8))."""

from __future__ import annotations

import itertools
import re
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO
from urllib.parse import urlsplit

import structlog

from leadintake.core.errors import Unavailable
from leadintake.core.languages import phrase, said
from leadintake.documents.inspection.findings import Flag, Refused

CONNECT_SECONDS = 2.0
PING_SECONDS = 2.0
SCAN_SECONDS = 20.0
"""A whole scan, from the first byte that is sent to the last of the answer."""

CHUNK = 64 * 1024
LONGEST_ANSWER = 1024
LONGEST_NAME = 80
CLEAN = b"stream: OK\0"
FOUND = re.compile(rb"stream: ([^\0]+) FOUND\0")
log = structlog.get_logger()


class Away(Exception):
    """The scanner gave neither of its two answers; the message says what came instead."""


@dataclass(frozen=True)
class Scanner:
    """The clamd at `address`. Without it nothing is kept when it is `needed`, else files are marked."""

    address: str
    needed: bool

    def scan(self, stream: IO[bytes]) -> frozenset[Flag]:
        """Have the whole stream scanned; return how it is marked, and leave it at its start.

        Raises Refused when something was found, Unavailable when the scanner is away and needed.
        """
        stream.seek(0)
        try:
            found = _found(self._ask(b"zINSTREAM\0", _framed(stream), within=SCAN_SECONDS))
        except Away as away:
            log.warning("scanner_away", reason=str(away), upload="refused" if self.needed else "kept")
            if not self.needed:
                return frozenset({Flag.UNSCANNED})
            raise Unavailable(
                phrase(
                    "We cannot check files for viruses right now, so nothing was kept. "
                    "Please send it again in a few minutes."
                ),
                retry_after=30,
            ) from away
        finally:
            stream.seek(0)
        if found:
            log.warning("virus_found", signature=found)
            raise Refused(
                said(
                    "Our virus scanner found something in this file (%(found)s), so we could not take it. "
                    "Please send another copy, for example one newly saved as PDF.",
                    found=found,
                )
            )
        return frozenset()

    def check(self) -> None:
        """Raise unless clamd answers."""
        answer = self._ask(b"zPING\0", (), within=PING_SECONDS)
        if answer != b"PONG\0":
            raise Away(f"The virus scanner at {self.address} answers {answer[:LONGEST_NAME]!r}, not PONG.")

    def _ask(self, command: bytes, pieces: Iterable[bytes], *, within: float) -> bytes:
        """Say it all, then return the answer with the NUL that ends it, or as far as it came."""
        answer = b""
        try:
            with _connected(self.address) as connection:
                end = time.monotonic() + within
                for piece in itertools.chain((command,), pieces):
                    connection.settimeout(_seconds_until(end))
                    connection.sendall(piece)  # the timeout is for all of the piece
                while b"\0" not in answer and len(answer) < LONGEST_ANSWER:
                    connection.settimeout(_seconds_until(end))
                    more = connection.recv(LONGEST_ANSWER)
                    if not more:
                        break
                    answer += more
        except OSError as error:
            raise Away(f"The virus scanner at {self.address} does not answer: {error}") from error
        return answer


def _connected(address: str) -> socket.socket:
    if address.startswith("unix:"):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(CONNECT_SECONDS)
            connection.connect(address.removeprefix("unix:"))
        except BaseException:
            connection.close()
            raise
        return connection
    place = urlsplit(f"tcp://{address.removeprefix('tcp://')}")
    return socket.create_connection((place.hostname, place.port), timeout=CONNECT_SECONDS)


def _seconds_until(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _framed(stream: IO[bytes]) -> Iterator[bytes]:
    """The stream as INSTREAM wants it: pieces with their length before them, the last one empty."""
    while piece := stream.read(CHUNK):
        yield len(piece).to_bytes(4, "big") + piece
    yield bytes(4)


def _found(answer: bytes) -> str:
    """The name of what was found, empty for a clean file. Whatever else clamd says is no verdict."""
    if answer == CLEAN:
        return ""
    if match := FOUND.fullmatch(answer):
        name = match[1][:LONGEST_NAME].decode("ascii", "replace")
        return "".join(char if "!" <= char <= "~" else "?" for char in name)
    raise Away(f"The virus scanner said {answer[:LONGEST_NAME]!r}.")
