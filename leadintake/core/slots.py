"""Numbers of each process of this machine, a file per process in a shared folder.

1. A process locks its file while it lives. A new process takes over the unlocked file of a dead one and
   continues its sums: they never fall, and there are never more files than processes.
2. A file is a sequence of records, each padded to eight bytes: number, key length, key. They are written by
   pwrite, where a full disk is an error; with mmap it would kill the process.
3. A reader adds up all files.

Where nothing can be written, the numbers stay in memory.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import structlog

from leadintake.core import procfs
from leadintake.core.modes import make_private_folder, open_private

HEAD, NUMBER = struct.Struct("=dI"), struct.Struct("=d")
MAX_BYTES = 1024 * 1024
"""Bytes of a file: labels with unlimited values must not fill the disk."""
LIVE_PREFIX = "~"
"""Prefix of keys that a new process resets when it takes over a file: gauges."""
PROCESS = LIVE_PREFIX + "process"
"""Key of the process's mark (procfs.py)."""
log = structlog.get_logger()


class Entry(NamedTuple):
    key: str
    number: float


class Slots:
    """This process's numbers, and a view of the others'. Opens no file before the first use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._guard = threading.Lock()
        self._process = 0
        self._file = -1
        self._size = 0
        self._offsets: dict[str, int] = {}
        self._numbers: dict[str, float] = {}

    def __del__(self) -> None:
        if self._file >= 0:
            os.close(self._file)

    def add(self, key: str, amount: float) -> None:
        with self._guard:
            self._open_once()
            self._write(key, self._numbers.get(key, 0.0) + amount)

    def set(self, key: str, number: float) -> None:
        with self._guard:
            self._open_once()
            self._write(key, number)

    def read(self) -> list[Entry]:
        """Return the numbers of all processes; of dead ones without the keys of LIVE_PREFIX."""
        with self._guard:
            self._open_once()
            found = [Entry(*item) for item in self._numbers.items()]
            own_inode = os.fstat(self._file).st_ino if self._file >= 0 else None
        try:
            with self._lock_folder():
                for path in sorted(self.folder.glob("*.counts")):
                    found += _read_other_file(path, own_inode)
        except OSError as error:
            log.warning("counts_not_read", error=str(error))
        return found

    def _open_once(self) -> None:
        if self._process == os.getpid():
            return
        if self._file >= 0:  # inherited from the parent process
            os.close(self._file)
        self._process, self._file, self._size = os.getpid(), -1, 0
        self._offsets, self._numbers = {}, {}
        try:
            make_private_folder(self.folder)
            with self._lock_folder():
                self._file = self._claim_file()
            content = os.pread(self._file, MAX_BYTES, 0)
        except OSError as error:
            log.warning("counts_in_memory", error=str(error))
            content = b""
        for offset, key, number in _records(content):
            self._offsets[key], self._numbers[key] = offset, number
            self._size = offset + _record_size(key)
        for key in [key for key in self._numbers if key.startswith(LIVE_PREFIX)]:
            self._write(key, 0.0)
        self._write(PROCESS, procfs.own_mark())

    @contextlib.contextmanager
    def _lock_folder(self) -> Iterator[None]:
        """Lock the folder, to claim a file or to read all. Raises OSError."""
        file = open_private(self.folder / "door", os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)

    def _claim_file(self) -> int:
        number = 1
        while True:
            file = open_private(self.folder / f"{number:03}.counts", os.O_RDWR | os.O_CREAT)
            if _lock(file):
                return file
            os.close(file)
            number += 1

    def _write(self, key: str, number: float) -> None:
        self._numbers[key] = number
        if self._file < 0:
            return
        try:
            if key in self._offsets:
                os.pwrite(self._file, NUMBER.pack(number), self._offsets[key])
            elif self._size + _record_size(key) <= MAX_BYTES:
                name = key.encode()
                record = (HEAD.pack(number, len(name)) + name).ljust(_record_size(key), b"\0")
                if os.pwrite(self._file, record, self._size) == len(record):
                    self._offsets[key] = self._size
                    self._size += len(record)
        except OSError as error:  # kept in memory until the disk accepts it
            log.debug("count_not_written", error=str(error))


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_other_file(path: Path, own_inode: int | None) -> list[Entry]:
    file = open_private(path, os.O_RDWR)
    try:
        if os.fstat(file).st_ino == own_inode:
            return []
        is_dead = _lock(file)
        entries = [Entry(key, number) for _, key, number in _records(os.pread(file, MAX_BYTES, 0))]
    finally:
        os.close(file)
    return [entry for entry in entries if not (is_dead and entry.key.startswith(LIVE_PREFIX))]


def _records(content: bytes) -> Iterator[tuple[int, str, float]]:
    """Yield offset, key and number of each record, up to one that a crash cut."""
    offset = 0
    while offset + HEAD.size <= len(content):
        number, length = HEAD.unpack_from(content, offset)
        name = content[offset + HEAD.size : offset + HEAD.size + length]
        if not length or len(name) < length:
            return
        try:
            key = name.decode()
        except UnicodeDecodeError:
            return
        yield offset, key, number
        offset += _record_size(key)


def _record_size(key: str) -> int:
    return -(-(HEAD.size + len(key.encode())) // 8) * 8
