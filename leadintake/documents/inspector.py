"""Uploads are looked into by processes with limits, never by the server itself."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
from collections.abc import Collection, Iterator
from typing import IO

import structlog

from leadintake.core.errors import Unavailable
from leadintake.core.hub import has_greenlets, server_threads
from leadintake.core.languages import phrase
from leadintake.documents.inspection import Finding
from leadintake.documents.inspection.findings import Refused
from leadintake.documents.inspection.sentences import TOO_COMPLICATED
from leadintake.documents.turns import MOST_WAITING, Busy, Places, Turns
from leadintake.documents.workers import Exhausted, Failed, Late, Lost, Worker

ANSWER_SECONDS = 30.0
"""For one file, by the clock on the wall: the last resort, should a worker wait without using CPU time."""
BUSY = phrase(
    "Too many files are being checked right now. Nothing was kept. Please send it again in a moment."
)
AWAY = phrase("We cannot check files right now, so nothing was kept. Please send it again in a moment.")
SMALL = 64 * 1024
"""Bytes of a file that is handed on in memory: to ask for its descriptor would put it on the disk."""
log = structlog.get_logger()


class Inspector:
    """The workers of one process. They are started when they are needed, and used again."""

    def __init__(self) -> None:
        self._registered = False
        self._idle: list[Worker] = []
        self._forget()

    def look(self, stream: IO[bytes], accepted: Collection[str], *, sender: str, places: Places) -> Finding:
        """Have a file looked into. Raises Refused, or Unavailable when it cannot be done now."""
        try:
            with _descriptor(stream) as file, self._turns.turn(sender), places.place():
                return self._look(file, accepted)
        except Busy as busy:
            raise Unavailable(BUSY, retry_after=5) from busy
        except Exhausted as exhausted:
            log.info("inspection_exhausted")
            raise Refused(TOO_COMPLICATED) from exhausted
        except Failed as failed:
            log.error("inspection_failed", trace=str(failed))  # noqa: TRY400 - the cause is in the line
            raise Refused(TOO_COMPLICATED) from failed
        except (Lost, Late, OSError) as error:
            log.error("inspection_impossible", error=str(error))  # noqa: TRY400 - the cause is in the line
            raise Unavailable(AWAY, retry_after=5) from error

    def close(self) -> None:
        """End the workers. The next file starts others."""
        while self._idle:
            self._idle.pop().end()

    def _look(self, file: int, accepted: Collection[str]) -> Finding:
        """Ask a worker, and a fresh one when the first is lost."""
        try:
            return self._ask(self._idle_worker() or self._start(), file, accepted)
        except Lost as lost:
            log.warning("inspection_worker_lost", error=str(lost))
            return self._ask(self._start(), file, accepted)

    def _ask(self, worker: Worker, file: int, accepted: Collection[str]) -> Finding:
        try:
            return worker.look(file, accepted, seconds=ANSWER_SECONDS)
        finally:
            if worker.usable:
                self._idle.append(worker)
            else:
                worker.end()

    def _idle_worker(self) -> Worker | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _start(self) -> Worker:
        if not self._registered:
            self._registered = True
            os.register_at_fork(after_in_child=self._forget)
            atexit.register(self.close)
        return Worker.start()

    def _forget(self) -> None:
        """Begin anew: the workers of the process this one was forked from are not its own."""
        for worker in self._idle:
            worker.connection.close()
        self._idle = []
        # Each file that waits holds a thread of the server; greenlets are cheap.
        long_queue = MOST_WAITING if has_greenlets() else server_threads() * 3 // 4
        self._turns = Turns(processors(), long_queue)


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def _descriptor(stream: IO[bytes]) -> Iterator[int]:
    """A descriptor of the file for reading alone, with a position of its own."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)  # and so write what is still in its buffer
    with contextlib.ExitStack() as stack:
        number = _number(stream) if size > SMALL else None
        if number is None:
            number = os.memfd_create("upload")
            stack.callback(os.close, number)
            with os.fdopen(number, "wb", closefd=False) as copy:
                shutil.copyfileobj(stream, copy)
        file = os.open(f"/proc/self/fd/{number}", os.O_RDONLY)
        stack.callback(os.close, file)
        try:
            yield file
        finally:
            stream.seek(0)


def _number(stream: IO[bytes]) -> int | None:
    """The descriptor of a file; None for bytes in memory."""
    try:
        return stream.fileno()
    except OSError:
        return None


inspector = Inspector()
"""One for all applications of the process."""
