"""Numbers that the processes of one machine keep side by side in a folder, a file each; anybody adds them up.

A file belongs to the process that holds its lock. A process that starts goes on with the file of one that is
gone: the sums never fall, whoever ends and starts, and there are never more files than processes at once.

A file is a row of records, each padded to eight bytes: the number, the length of its key, its key. They are
written with pwrite and never mapped into memory: a full disk is then an error, not the end of the process.
Where nothing can be written, the numbers of this process are kept in its memory alone.
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

from leadintake.core.modes import make_private_folder, open_private

HEAD, NUMBER = struct.Struct("=dI"), struct.Struct("=d")
LARGEST_BYTES = 1024 * 1024
"""Of one file: a label that takes any value would otherwise fill the disk."""
PASSING = "~"
"""How keys begin of what is true of a living process only: forgotten when another takes its file over."""
log = structlog.get_logger()


class Entry(NamedTuple):
    """A number of one process."""

    key: str
    number: float


class Slots:
    """The numbers of this process, and those of the others in the folder. Opens nothing before the first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._guard = threading.Lock()
        self._process = 0
        self._file = -1
        self._size = 0
        self._places: dict[str, int] = {}
        self._numbers: dict[str, float] = {}

    def __del__(self) -> None:
        if self._file >= 0:
            os.close(self._file)

    def add(self, key: str, amount: float) -> None:
        """Add to a number."""
        with self._guard:
            self._open_once()
            self._write(key, self._numbers.get(key, 0.0) + amount)

    def put(self, key: str, number: float) -> None:
        """Replace a number."""
        with self._guard:
            self._open_once()
            self._write(key, number)

    def read(self) -> list[Entry]:
        """All numbers of all processes, alive or gone; what is passing, of the living alone."""
        with self._guard:
            self._open_once()
            found = [Entry(*item) for item in self._numbers.items()]
            mine = os.fstat(self._file).st_ino if self._file >= 0 else None
        try:
            with self._door():
                for path in sorted(self.folder.glob("*.counts")):
                    found += _entries_of_another(path, mine)
        except OSError as error:
            log.warning("counts_not_read", error=str(error))
        return found

    def _open_once(self) -> None:
        if self._process == os.getpid():
            return
        if self._file >= 0:  # of the process that forked this one
            os.close(self._file)
        self._process, self._file, self._size = os.getpid(), -1, 0
        self._places, self._numbers = {}, {}
        try:
            make_private_folder(self.folder)
            with self._door():
                self._file = self._take_a_file()
            content = os.pread(self._file, LARGEST_BYTES, 0)
        except OSError as error:
            log.warning("counts_in_memory", error=str(error))
            return
        for place, key, number in _records(content):
            self._places[key], self._numbers[key] = place, number
            self._size = place + _length(key)
        for key in [key for key in self._numbers if key.startswith(PASSING)]:
            self._write(key, 0.0)

    @contextlib.contextmanager
    def _door(self) -> Iterator[None]:
        """Only one looks for a free file, or tells who lives, at a time. Raises OSError."""
        door = open_private(self.folder / "door", os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(door, fcntl.LOCK_EX)
            yield
        finally:
            os.close(door)

    def _take_a_file(self) -> int:
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
            if key in self._places:
                os.pwrite(self._file, NUMBER.pack(number), self._places[key])
            elif self._size + _length(key) <= LARGEST_BYTES:
                name = key.encode()
                record = (HEAD.pack(number, len(name)) + name).ljust(_length(key), b"\0")
                if os.pwrite(self._file, record, self._size) == len(record):
                    self._places[key] = self._size
                    self._size += len(record)
        except OSError as error:  # kept in memory until the disk takes it
            log.debug("count_not_written", error=str(error))


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _entries_of_another(path: Path, mine: int | None) -> list[Entry]:
    file = open_private(path, os.O_RDWR)
    try:
        if os.fstat(file).st_ino == mine:
            return []
        gone = _lock(file)
        entries = [Entry(key, number) for _, key, number in _records(os.pread(file, LARGEST_BYTES, 0))]
    finally:
        os.close(file)
    return [entry for entry in entries if not (gone and entry.key.startswith(PASSING))]


def _records(content: bytes) -> Iterator[tuple[int, str, float]]:
    """Where each record begins, its key and its number; ends at the first that a crash left unfinished."""
    place = 0
    while place + HEAD.size <= len(content):
        number, length = HEAD.unpack_from(content, place)
        name = content[place + HEAD.size : place + HEAD.size + length]
        if not length or len(name) < length:
            return
        try:
            key = name.decode()
        except UnicodeDecodeError:
            return
        yield place, key, number
        place += _length(key)


def _length(key: str) -> int:
    """The bytes of a record."""
    return -(-(HEAD.size + len(key.encode())) // 8) * 8
