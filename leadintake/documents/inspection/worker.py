"""Process that inspects files: a fresh interpreter with resource limits, asked over a socket.

Request: a line of JSON, {"accepted": [extension, …]} or {"text": extension}, and the file's descriptor
(SCM_RIGHTS, unix(7)).
Answer: a line of JSON with "last", true if the process ends afterwards, and one of:

- "kind": extension or null, and "flags": the result of inspect();
- "text": what extract() took out of the document;
- "refused": sentence of a Refused;
- "exhausted": true: memory or temporary space did not suffice;
- "failed": traceback without message: a reader has a bug.

SIGPROF without a handler ends the process when the CPU time is used up, whatever code is running.
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

from .detection import inspect
from .extraction import extract
from .findings import Refused

MB = 1024 * 1024
CPU_SECONDS = 1.5
"""CPU time per file, including system calls."""
MEMORY = 28 * MB
"""Memory per file above the idle interpreter's (RLIMIT_DATA: private and writable, setrlimit(2))."""
ADDRESSES = 64 * MB
"""Address space beyond MEMORY and twice the file's size, for libraries loaded late (RLIMIT_AS)."""
TEMPORARY_FILE = 32 * MB
"""Size limit of a temporary file."""
DESCRIPTORS = 32
NICENESS = 10
"""Priority below the server's (nice(2)): a costly file hardly slows requests."""
MAX_FILES = 1000
MAX_UNRELEASED = 8 * MB
"""A process ends after MAX_FILES, or if it keeps this much memory above the idle interpreter's."""
MAX_LINE_LENGTH = 4096
MAX_TRACE_LENGTH = 8000
NO_SPACE_ERRORS = {errno.ENOMEM, errno.EFBIG, errno.ENOSPC, errno.EDQUOT}
STATM = Path("/proc/self/statm")  # proc_pid_statm(5)


@dataclass(frozen=True)
class Usage:
    """Memory of the process in bytes: address space, and its private writable part."""

    addresses: int
    data: int

    @classmethod
    def now(cls) -> Usage | None:
        """Ask the kernel; None without Linux."""
        try:
            fields = STATM.read_text(encoding="ascii").split()
        except OSError:
            return None
        return cls(int(fields[0]) * mmap.PAGESIZE, int(fields[5]) * mmap.PAGESIZE)


def main(descriptor: int) -> None:
    """Limit this process, then answer requests until the other end of the socket closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which closes the socket
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    os.nice(NICENESS)
    os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])  # descriptors inherited from the server
    idle = Usage.now()
    limit_process(idle)
    with socket.socket(fileno=descriptor) as connection:
        connection.setblocking(True)  # gevent's sockets are not
        serve(connection, idle, start_clock)


def limit_process(idle: Usage | None) -> None:
    """Set hard limits, which the process cannot raise again."""
    for kind, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, DESCRIPTORS),
        (resource.RLIMIT_FSIZE, TEMPORARY_FILE),
    ):
        _set_limit(kind, limit)
    if idle:
        _set_limit(resource.RLIMIT_DATA, idle.data + MEMORY)


def start_clock(seconds: float) -> None:
    """End the process by SIGPROF after `seconds` of CPU time; 0 stops the clock."""
    signal.setitimer(signal.ITIMER_PROF, seconds)


def serve(connection: socket.socket, idle: Usage | None, clock: Callable[[float], None]) -> None:
    """Answer requests one by one."""
    for number in range(1, MAX_FILES + 1):
        request = _receive(connection)
        if request is None:
            return
        line, descriptor = request
        clock(CPU_SECONDS)
        answer = _answer(line, descriptor)
        clock(0)
        used = Usage.now()
        is_swollen = bool(idle and used and used.data > idle.data + MAX_UNRELEASED)
        last = number == MAX_FILES or is_swollen or "exhausted" in answer
        connection.sendall(json.dumps({**answer, "last": last}).encode() + b"\n")
        if last:
            return


def _receive(connection: socket.socket) -> tuple[bytes, int] | None:
    """Return a line and its descriptor, None at the end."""
    line, descriptors = b"", list[int]()
    while not line.endswith(b"\n"):
        piece, more, _, _ = socket.recv_fds(connection, MAX_LINE_LENGTH, 1)
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
            request = json.loads(line)
            if "text" in request:
                return {"text": extract(stream, request["text"])}
            found = inspect(stream, request["accepted"])
    except Refused as refused:
        return {"refused": str(refused)}
    except (MemoryError, RecursionError):
        return {"exhausted": True}
    except Exception as error:  # noqa: BLE001 - any bug in a reader is reported
        if isinstance(error, OSError) and error.errno in NO_SPACE_ERRORS:
            return {"exhausted": True}
        places = "".join(traceback.format_tb(error.__traceback__))
        # No message: it may quote the document, and this is logged.
        return {"failed": f"{places}{type(error).__name__}"[-MAX_TRACE_LENGTH:]}
    return {"kind": found.kind.extension if found.kind else None, "flags": sorted(found.flags)}


def _limit_addresses(size: int) -> None:
    if used := Usage.now():
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = used.addresses + MEMORY + ADDRESSES + 2 * size
        resource.setrlimit(
            resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard)
        )


def _set_limit(kind: int, limit: int) -> None:
    _, hard = resource.getrlimit(kind)
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(kind, (limit, limit))
