"""Inspect uploads in processes with limits, never in the server's."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from typing import IO, TypeVar

import structlog

from leadintake.core.errors import Unavailable
from leadintake.core.hub import has_greenlets, server_threads
from leadintake.core.i18n.languages import N_
from leadintake.documents.inspection import Finding
from leadintake.documents.inspection.findings import Refused
from leadintake.documents.inspection.sentences import TOO_COMPLICATED
from leadintake.documents.inspection_queue import MAX_QUEUE_LENGTH, Busy, InspectionQueue, MachineSlots
from leadintake.documents.workers import LimitExceeded, ReaderFailed, Worker, WorkerLost, WorkerTimeout

ANSWER_SECONDS = 30.0
"""Wall-clock limit per file: a worker may wait without using CPU time."""
BUSY = N_("Too many files are being checked right now. Nothing was kept. Please send it again in a moment.")
UNAVAILABLE = N_("We cannot check files right now, so nothing was kept. Please send it again in a moment.")
Result = TypeVar("Result")
Ask = Callable[[Worker, int], Result]
"""Asks a worker about the file with this descriptor."""
SMALL = 64 * 1024
"""Bytes up to which a file is passed in memory: its `fileno()` would write it to disk."""
log = structlog.get_logger()


class Inspector:
    """Pool of this process's workers, started on demand and reused."""

    def __init__(self) -> None:
        self._registered = False
        self._idle: list[Worker] = []
        self._reset()

    def inspect(
        self, stream: IO[bytes], accepted: Collection[str], *, sender: str, slots: MachineSlots
    ) -> Finding:
        """Inspect a file. Raises Refused; Unavailable when that is impossible now."""
        return self._run(
            lambda worker, file: worker.inspect(file, accepted, seconds=ANSWER_SECONDS), stream, sender, slots
        )

    def extract(self, stream: IO[bytes], extension: str, *, sender: str, slots: MachineSlots) -> str:
        """Return the text of a document. Raises Refused; Unavailable when that is impossible now."""
        return self._run(
            lambda worker, file: worker.extract(file, extension, seconds=ANSWER_SECONDS),
            stream,
            sender,
            slots,
        )

    def close(self) -> None:
        """End the workers. The next file starts new ones."""
        while self._idle:
            self._idle.pop().end()

    def _run(self, ask: Ask[Result], stream: IO[bytes], sender: str, slots: MachineSlots) -> Result:
        try:
            with _open_descriptor(stream) as file, self._queue.acquire(sender), slots.acquire():
                return self._retry(ask, file)
        except Busy as busy:
            raise Unavailable(BUSY, retry_after=5) from busy
        except LimitExceeded as exhausted:
            log.info("inspection_exhausted")
            raise Refused(TOO_COMPLICATED) from exhausted
        except ReaderFailed as failed:
            log.error("inspection_failed", trace=str(failed))  # noqa: TRY400 - the cause is in the line
            raise Refused(TOO_COMPLICATED) from failed
        except (WorkerLost, WorkerTimeout, OSError) as error:
            log.error("inspection_impossible", error=str(error))  # noqa: TRY400 - the cause is in the line
            raise Unavailable(UNAVAILABLE, retry_after=5) from error

    def _retry(self, ask: Ask[Result], file: int) -> Result:
        """Ask a worker; if it is lost, a fresh one."""
        try:
            return self._ask(ask, self._idle_worker() or self._start(), file)
        except WorkerLost as lost:
            log.warning("inspection_worker_lost", error=str(lost))
            return self._ask(ask, self._start(), file)

    def _ask(self, ask: Ask[Result], worker: Worker, file: int) -> Result:
        try:
            return ask(worker, file)
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
            os.register_at_fork(after_in_child=self._reset)
            atexit.register(self.close)
        return Worker.start()

    def _reset(self) -> None:
        """Empty the pool, also after a fork: the workers are the parent's."""
        for worker in self._idle:
            worker.connection.close()
        self._idle = []
        # A waiting file occupies a thread of the server, or a greenlet, which is cheap.
        long_queue = MAX_QUEUE_LENGTH if has_greenlets() else server_threads() * 3 // 4
        self._queue = InspectionQueue(count_processors(), long_queue)


def count_processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def _open_descriptor(stream: IO[bytes]) -> Iterator[int]:
    """Yield a read-only descriptor with its own position. Rewinds the stream."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)  # flushes its buffer
    with contextlib.ExitStack() as stack:
        number = _get_fileno(stream) if size > SMALL else None
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


def _get_fileno(stream: IO[bytes]) -> int | None:
    """Return the descriptor, None for bytes in memory."""
    try:
        return stream.fileno()
    except OSError:
        return None


inspector = Inspector()
"""Shared by all applications of the process."""
