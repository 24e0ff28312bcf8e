"""Files in a folder of this machine."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import structlog

from leadintake.core import durable
from leadintake.core.clock import now
from leadintake.core.errors import Unavailable
from leadintake.core.languages import phrase
from leadintake.core.modes import open_private, tighten_file
from leadintake.documents.entries import TRASH, Entry, Trashed, is_batch, is_file
from leadintake.server_logs.failures import sentence_of

PART = ".part"
log = structlog.get_logger()


class LocalFolder:
    """A folder. A file is complete or absent under its name, also after a power cut.

    An upload holds a shared lock (flock) on its file until its transaction has ended, so that a sweep can
    tell a file nobody will own from one whose row is about to be committed. The kernel drops the lock of
    a process that dies.
    """

    def __init__(self, path: str) -> None:
        self.folder = Path(path)

    def save(self, key: str, stream: IO[bytes]) -> Callable[[], None]:
        """Write to a temporary name, sync, rename, sync the folder."""
        part = self.folder / f"{key}{PART}"
        with _as_unavailable("store"):
            durable.make_folder(self.folder)
            descriptor = open_private(part, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH)
                with os.fdopen(descriptor, "wb", closefd=False) as file:
                    shutil.copyfileobj(stream, file)
                os.fsync(descriptor)
                part.rename(self.folder / key)
                durable.sync_folder(self.folder)
            except BaseException:
                os.close(descriptor)
                part.unlink(missing_ok=True)
                (self.folder / key).unlink(missing_ok=True)
                raise
        return lambda: os.close(descriptor)

    def open(self, key: str) -> IO[bytes]:
        """The file, opened for reading. Its first byte is read: a disk that fails says so with the first."""
        try:
            file = (self.folder / key).open("rb")
            try:
                os.pread(file.fileno(), 1, 0)  # servers send from the offset of the descriptor, which stays
            except BaseException:
                file.close()
                raise
        except FileNotFoundError:
            raise
        except OSError as error:
            log.error("storage_failed", act="open", error=str(error))  # noqa: TRY400 - the cause is in the line
            raise Unavailable(phrase("The file storage does not answer. Please try again soon.")) from error
        return file

    def delete(self, key: str) -> None:
        """Remove the file."""
        (self.folder / key).unlink(missing_ok=True)

    def entries(self) -> Iterator[Entry]:
        """Every file, by name, unfinished ones too. One that others can read is tightened on the way."""
        if self.folder.is_dir():
            with os.scandir(self.folder) as found:
                names = sorted(entry.name for entry in found if is_file(entry.name))
            for path in (self.folder / name for name in names):
                with contextlib.suppress(FileNotFoundError):  # it was taken back meanwhile
                    # Folders are none of ours: a volume brings its lost+found.
                    if stat.S_ISREG((state := path.stat()).st_mode):
                        tighten_file(path)
                        yield Entry(path.name, _modified(state))

    def names(self) -> Iterator[str]:
        """The names of all files."""
        return (entry.key for entry in self.entries())

    def discard(self, key: str, batch: str, before: datetime, owned: Callable[[], bool]) -> bool:
        """Ask for the file's lock first: whoever holds it is still deciding."""
        path = self.folder / key
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _modified(os.fstat(descriptor)) > before or owned():
                return False
            with _as_unavailable("discard", or_missing=True):
                target = self.folder / Trashed(key, batch).path
                durable.make_folder(target.parent)
                path.rename(target)
                durable.sync_folder(target.parent)
                durable.sync_folder(self.folder)
        except (BlockingIOError, FileNotFoundError):  # an upload is busy with it, or has given it its name
            return False
        finally:
            os.close(descriptor)
        return True

    def trash(self) -> Iterator[Trashed]:
        """Every file in the trash, oldest batch first."""
        folder = self.folder / TRASH
        batches = sorted(path for path in folder.iterdir() if is_batch(path.name)) if folder.is_dir() else ()
        for batch in batches:
            yield from (Trashed(path.name, batch.name) for path in sorted(batch.iterdir()))

    def restore(self, trashed: Trashed) -> bool:
        """Move it back as a file of today, which no sweep takes for a day."""
        source, target = self.folder / trashed.path, self.folder / trashed.key
        if target.exists():
            return False
        with _as_unavailable("restore"):
            os.utime(source, (now().timestamp(),) * 2)
            source.rename(target)
            durable.sync_folder(self.folder)
        self._drop_batch(source.parent)
        return True

    def erase(self, trashed: Trashed) -> None:
        """Remove the file, and its batch when that is empty."""
        path = self.folder / trashed.path
        with _as_unavailable("erase"):
            path.unlink(missing_ok=True)
        self._drop_batch(path.parent)

    def drop_unfinished(self, key: str) -> None:
        """Remove the part of a writer that died: nobody holds its lock."""
        abandoned = self.folder / f"{key}{PART}"
        with contextlib.suppress(FileNotFoundError), _as_unavailable("store", or_missing=True):
            descriptor = os.open(abandoned, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                abandoned.unlink(missing_ok=True)
            finally:
                os.close(descriptor)

    def read_note(self, name: str) -> bytes | None:
        """The content of the hidden file."""
        try:
            return (self.folder / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write_note(self, name: str, content: bytes) -> None:
        """Write it beside, sync, rename, sync the folder."""
        part = self.folder / f"{name}.{secrets.token_hex(4)}"
        with _as_unavailable("mark"):
            durable.make_folder(self.folder)
            try:
                with os.fdopen(open_private(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                part.rename(self.folder / name)
                durable.sync_folder(self.folder)
            finally:
                part.unlink(missing_ok=True)

    def look(self) -> None:
        """Raise unless the folder may be written to, or made."""
        there = next(path for path in (self.folder, *self.folder.parents) if os.path.lexists(path))
        if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
            raise Unavailable(f"{there} is no folder that can be written to.")

    def _drop_batch(self, folder: Path) -> None:
        with contextlib.suppress(OSError):  # there is more in it
            folder.rmdir()


@contextlib.contextmanager
def _as_unavailable(act: str, *, or_missing: bool = False) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if or_missing and isinstance(error, FileNotFoundError):
            raise
        log.error("storage_failed", act=act, error=sentence_of(error))  # noqa: TRY400 - the cause is in the line
        raise Unavailable(
            phrase("The file storage cannot take anything right now. Please try again soon.")
        ) from error


def _modified(state: os.stat_result) -> datetime:
    return datetime.fromtimestamp(state.st_mtime, UTC)
