"""Client of the virus scanner clamd(8)."""

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
from leadintake.core.i18n.languages import N_, _
from leadintake.documents.inspection.findings import Flag, Refused

CONNECT_SECONDS = 2.0
PING_SECONDS = 2.0
SCAN_SECONDS = 20.0
"""Limit of a scan, from the first byte sent to the last of the answer."""

CHUNK = 64 * 1024
MAX_ANSWER_BYTES = 1024
MAX_NAME_LENGTH = 80
CLEAN_REPLY = b"stream: OK\0"
VIRUS_REPLY = re.compile(rb"stream: ([^\0]+) FOUND\0")
log = structlog.get_logger()


class ScannerUnavailable(Exception):
    """The scanner gave no verdict; the message says why."""


@dataclass(frozen=True)
class Scanner:
    """clamd at `address`. `needed`: refuse files while it is away, else flag them."""

    address: str
    needed: bool

    def scan(self, stream: IO[bytes]) -> frozenset[Flag]:
        """Scan the stream and rewind it.

        Raises Refused for a virus, Unavailable when the scanner is away and needed.
        """
        stream.seek(0)
        try:
            virus = _parse_reply(self._ask(b"zINSTREAM\0", _frame(stream), timeout=SCAN_SECONDS))
        except ScannerUnavailable as unavailable:
            log.warning("scanner_away", reason=str(unavailable), upload="refused" if self.needed else "kept")
            if not self.needed:
                return frozenset({Flag.UNSCANNED})
            raise Unavailable(
                N_(
                    "We cannot check files for viruses right now, so nothing was kept. "
                    "Please send it again in a few minutes."
                ),
                retry_after=30,
            ) from unavailable
        finally:
            stream.seek(0)
        if virus:
            log.warning("virus_found", signature=virus)
            raise Refused(
                _(
                    "Our virus scanner found something in this file (%(found)s), so we could not take it. "
                    "Please send another copy, for example one newly saved as PDF.",
                    found=virus,
                )
            )
        return frozenset()

    def check(self) -> None:
        """Raise unless clamd answers."""
        answer = self._ask(b"zPING\0", (), timeout=PING_SECONDS)
        if answer != b"PONG\0":
            raise ScannerUnavailable(
                f"The virus scanner at {self.address} answers {answer[:MAX_NAME_LENGTH]!r}, not PONG."
            )

    def _ask(self, command: bytes, pieces: Iterable[bytes], *, timeout: float) -> bytes:
        """Send command and pieces. Return the answer with its final NUL, or the part that came."""
        answer = b""
        try:
            with _connect(self.address) as connection:
                end = time.monotonic() + timeout
                for piece in itertools.chain((command,), pieces):
                    connection.settimeout(_remaining_seconds(end))
                    connection.sendall(piece)  # the timeout covers the whole piece
                while b"\0" not in answer and len(answer) < MAX_ANSWER_BYTES:
                    connection.settimeout(_remaining_seconds(end))
                    more = connection.recv(MAX_ANSWER_BYTES)
                    if not more:
                        break
                    answer += more
        except OSError as error:
            raise ScannerUnavailable(
                f"The virus scanner at {self.address} does not answer: {error}"
            ) from error
        return answer


def _connect(address: str) -> socket.socket:
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


def _remaining_seconds(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _frame(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield INSTREAM chunks: length and bytes; the last is empty."""
    while piece := stream.read(CHUNK):
        yield len(piece).to_bytes(4, "big") + piece
    yield bytes(4)


def _parse_reply(answer: bytes) -> str:
    """Return the virus's name, empty for a clean file. Raises ScannerUnavailable."""
    if answer == CLEAN_REPLY:
        return ""
    if match := VIRUS_REPLY.fullmatch(answer):
        name = match[1][:MAX_NAME_LENGTH].decode("ascii", "replace")
        return "".join(char if "!" <= char <= "~" else "?" for char in name)
    raise ScannerUnavailable(f"The virus scanner said {answer[:MAX_NAME_LENGTH]!r}.")
