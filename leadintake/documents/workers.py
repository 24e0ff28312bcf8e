"""The processes that look into files (`inspection/worker.py`), as the server sees them."""

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

import msgspec

from leadintake.documents import inspection
from leadintake.documents.inspection import BY_EXTENSION, Finding
from leadintake.documents.inspection.findings import Flag, Refused

LIMITS = {-signal.SIGPROF, -signal.SIGXCPU, -signal.SIGXFSZ}
"""Exit statuses of a process that its own limits ended."""
LONGEST_ANSWER = 64 * 1024
CHANNEL = 0
"""The descriptor of the worker's end of the socket: in place of its standard input."""
KEPT = ("PATH", "LD_LIBRARY_PATH", "TMPDIR", "TMP", "TEMP")
"""All that a worker sees of the environment: no secret is in it."""
START = """
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


class Exhausted(Exception):
    """A file took more CPU time, memory or room than it may."""


class Failed(Exception):
    """A reader has a fault; the message is its traceback."""


class Lost(Exception):
    """The worker ended, or said something else than an answer; the message tells what is known of it."""


class Late(Exception):
    """The worker did not answer in time."""


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """What a worker says; its members are explained there."""

    last: bool
    kind: str | None = None
    flags: list[Flag] = []
    refused: str = ""
    exhausted: bool = False
    failed: str = ""


@dataclass(eq=False)
class Worker:
    """One process. It reads one file at a time."""

    pid: int
    connection: socket.socket
    usable: bool = True
    """Whether it can be asked again."""

    @classmethod
    def start(cls) -> Worker:
        """Start a fresh interpreter: never a fork, since the server has threads. Raises OSError."""
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        folder = str(Path(inspection.__file__).parent)
        libraries = [entry for entry in sys.path if Path(entry).is_absolute()]
        command = [sys.executable, "-I", "-S", "-B", "-c", START, folder, str(CHANNEL), *libraries]
        try:
            pid = os.posix_spawn(
                sys.executable,
                command,
                {name: os.environ[name] for name in KEPT if name in os.environ},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, there.fileno(), CHANNEL),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                ],
                setsigmask=[],
                setsigdef=[signal.SIGPROF, signal.SIGTERM, signal.SIGPIPE, signal.SIGXCPU],
            )
        except BaseException:
            here.close()
            raise
        finally:
            there.close()
        return cls(pid, here)

    def look(self, descriptor: int, accepted: Collection[str], *, seconds: float) -> Finding:
        """Have the file looked into, as `inspection.look` does. Raises Refused, or one of the above."""
        line = json.dumps({"accepted": sorted(accepted)}).encode() + b"\n"
        usable, self.usable = self.usable, False
        assert usable  # noqa: S101 - the pool hands out no other
        try:
            answer = self._ask(line, descriptor, time.monotonic() + seconds)
        except TimeoutError as error:
            raise Late(f"no answer within {seconds:g} seconds") from error
        except OSError as error:
            status = self.end()
            if status in LIMITS:
                raise Exhausted from error
            raise Lost(f"exit status {status}") from error
        return self._understand(answer)

    def end(self) -> int | None:
        """End the process, wait for it, and return its exit status if nobody else has asked for it."""
        self.usable = False
        self.connection.close()
        with contextlib.suppress(ChildProcessError):
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if not pid:
                os.kill(self.pid, signal.SIGKILL)
                _, status = os.waitpid(self.pid, 0)
            return os.waitstatus_to_exitcode(status)
        return None

    def _understand(self, line: bytes) -> Finding:
        try:
            answer = msgspec.json.decode(line, type=Answer)
            kind = BY_EXTENSION[answer.kind] if answer.kind else None
        except (msgspec.MsgspecError, KeyError) as error:
            raise Lost(f"no answer but {line[:80]!r}") from error
        self.usable = not answer.last
        if answer.refused:
            raise Refused(answer.refused)
        if answer.exhausted:
            raise Exhausted
        if answer.failed:
            raise Failed(answer.failed)
        return Finding(kind, frozenset(answer.flags))

    def _ask(self, line: bytes, descriptor: int, end: float) -> bytes:
        self.connection.settimeout(max(0.001, end - time.monotonic()))
        socket.send_fds(self.connection, [line], [descriptor])
        answer = b""
        while not answer.endswith(b"\n"):
            self.connection.settimeout(max(0.001, end - time.monotonic()))
            piece = self.connection.recv(LONGEST_ANSWER)
            if not piece or len(answer) > LONGEST_ANSWER:
                raise ConnectionResetError("the worker ended")
            answer += piece
        return answer
