"""The process that looks into files: a fresh interpreter with limits of its own, asked over a socket.

A request is one line of JSON, {"accepted": [extension, …]}, with the descriptor of the file beside it
(SCM_RIGHTS, unix(7)). The answer is one line of JSON with one of these members:

- "kind": an extension or null, and "flags": what look() found;
- "refused": the sentence of a Refused;
- "exhausted": true, when the memory or room for temporary files did not suffice;
- "failed": a traceback without its message, when a reader has a fault;

and "last": true, when the process ends after it. A file that takes more CPU time than it may ends the process
by SIGPROF, whatever code is running: no handler, no Python.
"""

from __future__ import annotations

import errno
import json
import mmap
import os
import resource
import signal
import socket
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import look
from .findings import Refused

MB = 1024 * 1024
CPU_SECONDS = 1.5
"""CPU time one file may take, system calls included."""
MEMORY = 28 * MB
"""Memory one file may take above the idle interpreter (RLIMIT_DATA: private and writable, setrlimit(2))."""
ADDRESSES = 64 * MB
"""Addresses beside twice the file's own: libraries that are loaded late (RLIMIT_AS)."""
TEMPORARY_FILE = 32 * MB
"""Longest temporary file."""
DESCRIPTORS = 32
NICENESS = 10
"""The server goes first: a costly file takes what is left of the processor (nice(2))."""
MOST_FILES = 1000
MOST_LEFT = 8 * MB
"""A process ends after so many files, or once so much memory above the idle interpreter is not given back."""
LONGEST_LINE = 4096
LONGEST_TRACE = 8000
OUT_OF_ROOM = {errno.ENOMEM, errno.EFBIG, errno.ENOSPC, errno.EDQUOT}
STATM = Path("/proc/self/statm")  # proc_pid_statm(5)


@dataclass(frozen=True)
class Usage:
    """What the process uses now, in bytes: all its addresses, and those that are private and writable."""

    addresses: int
    data: int

    @classmethod
    def now(cls) -> Usage | None:
        """Read it from the kernel; None where there is no Linux to tell."""
        try:
            fields = STATM.read_text(encoding="ascii").split()
        except OSError:
            return None
        return cls(int(fields[0]) * mmap.PAGESIZE, int(fields[5]) * mmap.PAGESIZE)


def main(descriptor: int) -> None:
    """Limit this process, then answer over the socket until its other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which closes the socket
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    os.nice(NICENESS)
    os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])  # whatever the server was started with
    idle = Usage.now()
    limit_process(idle)
    with socket.socket(fileno=descriptor) as connection:
        connection.setblocking(True)  # gevent's sockets are not
        serve(connection, idle, start_clock)


def limit_process(idle: Usage | None) -> None:
    """Set what holds for the life of the process, as limits that it cannot raise again."""
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, DESCRIPTORS),
        (resource.RLIMIT_FSIZE, TEMPORARY_FILE),
    ):
        _limit(what, most)
    if idle:
        _limit(resource.RLIMIT_DATA, idle.data + MEMORY)


def start_clock(seconds: float) -> None:
    """End the process by SIGPROF after so much CPU time of its own; 0 stops the clock."""
    signal.setitimer(signal.ITIMER_PROF, seconds)


def serve(connection: socket.socket, idle: Usage | None, clock: Callable[[float], None]) -> None:
    """Answer one request after the other."""
    for number in range(1, MOST_FILES + 1):
        request = _receive(connection)
        if request is None:
            return
        line, descriptor = request
        clock(CPU_SECONDS)
        answer = _answer(line, descriptor)
        clock(0)
        used = Usage.now()
        swollen = bool(idle and used and used.data > idle.data + MOST_LEFT)
        last = number == MOST_FILES or swollen or "exhausted" in answer
        connection.sendall(json.dumps({**answer, "last": last}).encode() + b"\n")
        if last:
            return


def _receive(connection: socket.socket) -> tuple[bytes, int] | None:
    """One line and its descriptor; None at the end of all requests."""
    line, descriptors = b"", list[int]()
    while not line.endswith(b"\n"):
        piece, more, _, _ = socket.recv_fds(connection, LONGEST_LINE, 1)
        descriptors += more
        if not piece:
            return None
        line += piece
    (descriptor,) = descriptors
    return line, descriptor


def _answer(line: bytes, descriptor: int) -> dict[str, Any]:
    try:
        with os.fdopen(descriptor, "rb") as stream:
            _limit_addresses(os.fstat(descriptor).st_size)
            found = look(stream, json.loads(line)["accepted"])
    except Refused as refused:
        return {"refused": str(refused)}
    except (MemoryError, RecursionError):
        return {"exhausted": True}
    except Exception as error:  # noqa: BLE001 - whatever a fault in a reader is, it is told
        if isinstance(error, OSError) and error.errno in OUT_OF_ROOM:
            return {"exhausted": True}
        places = "".join(traceback.format_tb(error.__traceback__))
        # Without its message, which may quote the document: this goes into a log.
        return {"failed": f"{places}{type(error).__name__}"[-LONGEST_TRACE:]}
    return {"kind": found.kind.extension if found.kind else None, "flags": sorted(found.flags)}


def _limit_addresses(size: int) -> None:
    if used := Usage.now():
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        wanted = used.addresses + MEMORY + ADDRESSES + 2 * size
        resource.setrlimit(
            resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
        )


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))
