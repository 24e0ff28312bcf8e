"""Virus scanners for tests: one in a thread that does what a script says, and the real clamd."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.engines import missing
from tests.support.mailserver import HOST, free_port
from tests.support.waiting import WAIT_SECONDS, until

EICAR = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""What every scanner takes for a virus and no machine for a program (eicar.org), in two halves."""

Talk = Callable[[socket.socket], None]


class Scripted:
    """What clamd is sent, and what it answers: `says` once the stream has ended, or PONG."""

    def __init__(self, says: bytes = b"stream: OK\0", pong: bytes = b"PONG\0") -> None:
        self.says = says
        self.pong = pong
        self.scanned: list[bytes] = []

    def __call__(self, connection: socket.socket) -> None:
        """Talk to one client."""
        with connection.makefile("rb") as said:
            if until_nul(said) == b"zPING":
                connection.sendall(self.pong)
                return
            content = b""
            while size := int.from_bytes(said.read(4), "big"):
                content += said.read(size)
            self.scanned.append(content)
            connection.sendall(self.says)


def until_nul(said) -> bytes:
    """What comes before the next NUL."""
    word = b""
    while (char := said.read(1)) != b"\0":
        assert char, "the client left in the middle of a word"
        word += char
    return word


def silent(connection: socket.socket) -> None:
    """Listen until the client leaves, and say nothing."""
    with contextlib.suppress(ConnectionResetError):
        while connection.recv(64 * 1024):
            pass


def deaf(connection: socket.socket, leaving: threading.Event) -> None:
    """Take nothing in."""
    leaving.wait(WAIT_SECONDS)


def dripping(connection: socket.socket) -> None:
    """Answer a byte at a time, for much longer than anybody waits."""
    pause = threading.Event()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        while not pause.wait(0.05):
            connection.sendall(b"s")


def resetting(connection: socket.socket) -> None:
    """Break the connection in the middle of the stream."""
    connection.recv(10)
    if connection.family == socket.AF_INET:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def clamd(talk: Talk, path: Path | None = None) -> Iterator[str]:
    """The address of a scanner: a socket at `path`, or a port of this machine."""
    if path is None:
        listening = socket.create_server((HOST, 0))
        address = f"tcp://{HOST}:{listening.getsockname()[1]}"
    else:
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(str(path))
        listening.listen()
        address = f"unix:{path}"

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                talk(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield address
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(WAIT_SECONDS)


@contextmanager
def real_clamd(folder: Path, *, over_tcp: bool, stream_max: str = "25M") -> Iterator[str]:
    """The address of Debian's clamd, which knows one signature: EICAR's."""
    # Debian keeps daemons where only root's PATH leads.
    program = shutil.which("clamd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        missing("there is no clamd on this machine (Debian: clamav-daemon)")
    signatures = folder / "signatures"
    signatures.mkdir()
    (signatures / "test.ndb").write_text(f"Test.Eicar:0:*:{EICAR.encode().hex()}\n")
    port = free_port()
    place = f"TCPSocket {port}\nTCPAddr {HOST}" if over_tcp else f"LocalSocket {folder / 'clamd.ctl'}"
    config = folder / "clamd.conf"
    user = "User root\n" if os.geteuid() == 0 else ""
    config.write_text(
        f"Foreground yes\nDatabaseDirectory {signatures}\nTemporaryDirectory {folder}\n"
        f"StreamMaxLength {stream_max}\n{user}{place}\n"
    )
    with (folder / "clamd.log").open("wb") as log:
        process = subprocess.Popen([program, "--config-file", str(config)], stdout=log, stderr=log)
    address = f"{HOST}:{port}" if over_tcp else f"unix:{folder / 'clamd.ctl'}"
    try:
        until(lambda: _answers(process, address, folder / "clamd.log"))
        yield address
    finally:
        process.terminate()
        process.wait(WAIT_SECONDS)


def _answers(process: subprocess.Popen[bytes], address: str, log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    kind = socket.AF_UNIX if address.startswith("unix:") else socket.AF_INET
    place = address.removeprefix("unix:") if kind == socket.AF_UNIX else (HOST, int(address.split(":")[1]))
    with socket.socket(kind, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        try:
            connection.connect(place)
            connection.sendall(b"zPING\0")
            return connection.recv(16) == b"PONG\0"
        except OSError:
            return False
