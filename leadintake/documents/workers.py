"""Client of the processes that inspect files (inspection/worker.py)."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from leadintake.documents import inspection
from leadintake.documents.inspection import BY_EXTENSION, Finding
from leadintake.documents.inspection.findings import Flag, Refused
from leadintake.documents.inspection.textbuffer import MAX_TEXT_LENGTH

LIMIT_STATUSES = {-signal.SIGPROF, -signal.SIGXCPU, -signal.SIGXFSZ}
"""Exit statuses of a process that its own limits ended."""
MAX_ANSWER_BYTES = 64 * 1024 + 6 * MAX_TEXT_LENGTH
"""JSON writes a character as six bytes at most, of those that are left in a text."""
READ_BYTES = 64 * 1024
CHANNEL = 0
"""Descriptor of the worker's end of the socket: its standard input."""
ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "TMPDIR", "TMP", "TEMP")
"""Environment variables passed to a worker: no secret among them."""
START_CODE = """
import sys
from importlib import util
folder, channel, *path = sys.argv[1:]
sys.path += path
start = folder + "/__init__.py"
spec = util.spec_from_file_location("inspection", start, submodule_search_locations=[folder])
sys.modules["inspection"] = module = util.module_from_spec(spec)
spec.loader.exec_module(module)
from inspection import worker
worker.main(int(channel))
"""


class LimitExceeded(Exception):
    """A file exceeded its CPU time, memory or temporary space."""


class ReaderFailed(Exception):
    """A reader has a bug; the message is its traceback."""


class WorkerLost(Exception):
    """The worker ended or sent no valid answer; the message has details."""


class WorkerTimeout(Exception):
    """The worker did not answer in time."""


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """Answer of a worker, documented in inspection/worker.py."""

    last: bool
    kind: Literal[".pdf", ".doc", ".docx", ".odt", ".rtf", ".txt", ".jpg", ".png"] | None = None
    flags: list[Flag] = []
    text: str = ""
    refused: str = ""
    exhausted: bool = False
    failed: str = ""


@dataclass(eq=False)
class Worker:
    """Process that inspects one file at a time."""

    pid: int
    connection: socket.socket
    usable: bool = True
    """Whether it can take another request."""

    @classmethod
    def start(cls) -> Worker:
        """Start a fresh interpreter, without a fork: the server has threads. Raises OSError."""
        server_end, worker_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        folder = str(Path(inspection.__file__).parent)
        libraries = [entry for entry in sys.path if Path(entry).is_absolute()]
        command = [sys.executable, "-I", "-S", "-B", "-c", START_CODE, folder, str(CHANNEL), *libraries]
        try:
            pid = os.posix_spawn(
                sys.executable,
                command,
                {name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, worker_end.fileno(), CHANNEL),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                ],
                setsigmask=[],
                setsigdef=[signal.SIGPROF, signal.SIGTERM, signal.SIGPIPE, signal.SIGXCPU],
            )
        except BaseException:
            server_end.close()
            raise
        finally:
            worker_end.close()
        return cls(pid, server_end)

    def inspect(self, descriptor: int, accepted: Collection[str], *, seconds: float) -> Finding:
        """Run `detection.inspect` on the file. Raises Refused, or an exception of this module."""
        answer = self._request({"accepted": sorted(accepted)}, descriptor, seconds)
        return Finding(BY_EXTENSION[answer.kind] if answer.kind else None, frozenset(answer.flags))

    def extract(self, descriptor: int, extension: str, *, seconds: float) -> str:
        """Run `extraction.extract` on the file. Raises Refused, or an exception of this module."""
        return self._request({"text": extension}, descriptor, seconds).text

    def _request(self, request: dict[str, object], descriptor: int, seconds: float) -> Answer:
        line = json.dumps(request).encode() + b"\n"
        usable, self.usable = self.usable, False
        assert usable  # noqa: S101 - the pool holds usable workers only
        try:
            answer = self._ask(line, descriptor, time.monotonic() + seconds)
        except TimeoutError as error:
            raise WorkerTimeout(f"no answer within {seconds:g} seconds") from error
        except OSError as error:
            status = self.end()
            if status in LIMIT_STATUSES:
                raise LimitExceeded from error
            raise WorkerLost(f"exit status {status}") from error
        return self._parse_answer(answer)

    def end(self) -> int | None:
        """Kill and reap the process. Return its exit status, None if it was reaped elsewhere."""
        self.usable = False
        self.connection.close()
        with contextlib.suppress(ChildProcessError):
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if not pid:
                os.kill(self.pid, signal.SIGKILL)
                _, status = os.waitpid(self.pid, 0)
            return os.waitstatus_to_exitcode(status)
        return None

    def _parse_answer(self, line: bytes) -> Answer:
        try:
            answer = msgspec.json.decode(line, type=Answer)
        except msgspec.MsgspecError as error:
            raise WorkerLost(f"no answer but {line[:80]!r}") from error
        self.usable = not answer.last
        if answer.refused:
            raise Refused(answer.refused)
        if answer.exhausted:
            raise LimitExceeded
        if answer.failed:
            raise ReaderFailed(answer.failed)
        return answer

    def _ask(self, line: bytes, descriptor: int, end: float) -> bytes:
        self.connection.settimeout(max(0.001, end - time.monotonic()))
        socket.send_fds(self.connection, [line], [descriptor])
        answer = b""
        while not answer.endswith(b"\n"):
            self.connection.settimeout(max(0.001, end - time.monotonic()))
            piece = self.connection.recv(READ_BYTES)
            if not piece or len(answer) > MAX_ANSWER_BYTES:
                raise ConnectionResetError("the worker ended")
            answer += piece
        return answer
