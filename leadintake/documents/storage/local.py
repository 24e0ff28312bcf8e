"""Storage in a local folder."""

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
from leadintake.core.i18n.languages import N_
from leadintake.core.modes import LOCK_FLAGS, open_private, tighten_file
from leadintake.documents.storage.entries import TRASH, Entry, NoteUnreadable, TrashEntry, is_batch, is_file
from leadintake.server_logs.failures import sentence_of

PART = ".part"
log = structlog.get_logger()


class LocalFolder:
    """Folder in which a file is complete or absent under its name, also after a power cut.

    An upload holds a shared lock (flock(2)) on its file until its transaction ends: it tells a sweep that the
    row may not be committed yet. The kernel releases the locks of dead processes.
    """

    def __init__(self, path: str) -> None:
        self.folder = Path(path)

    def save(self, key: str, stream: IO[bytes]) -> Callable[[], None]:
        """Write under a temporary name, sync, rename, sync the folder."""
        path = self.folder / key
        part = self.folder / f"{key}{PART}"
        with _translate_errors("store"):
            durable.make_folder(self.folder)
            is_new = not os.path.lexists(path)  # undo must not delete a file that existed before
            descriptor = open_private(part, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH)
                with os.fdopen(descriptor, "wb", closefd=False) as file:
                    shutil.copyfileobj(stream, file)
                os.fsync(descriptor)
                part.rename(path)
                durable.sync_folder(self.folder)
            except BaseException:
                os.close(descriptor)
                part.unlink(missing_ok=True)
                if is_new:
                    path.unlink(missing_ok=True)
                raise
        return lambda: os.close(descriptor)

    def open(self, key: str) -> IO[bytes]:
        """Open the file and read one byte, so that a failing disk raises here."""
        try:
            file = (self.folder / key).open("rb")
            try:
                os.pread(file.fileno(), 1, 0)  # leaves the offset, from which servers send
            except BaseException:
                file.close()
                raise
        except FileNotFoundError:
            raise
        except OSError as error:
            log.error("storage_failed", act="open", error=str(error))  # noqa: TRY400 - the cause is in the line
            raise Unavailable(N_("The file storage does not answer. Please try again soon.")) from error
        return file

    def delete(self, key: str) -> None:
        """Remove the file."""
        (self.folder / key).unlink(missing_ok=True)

    def undo_save(self, key: str) -> None:
        """Remove the file; if that fails, a sweep does."""
        with contextlib.suppress(Unavailable), _translate_errors("undo"):
            self.delete(key)

    def entries(self) -> Iterator[Entry]:
        """Yield the files by name; restrict their modes to the owner."""
        with _translate_errors("list"):
            if not self.folder.is_dir():
                return
            with os.scandir(self.folder) as found:
                names = sorted(entry.name for entry in found if is_file(entry.name))
            for path in (self.folder / name for name in names):
                with contextlib.suppress(FileNotFoundError):  # its upload was undone meanwhile
                    state = path.lstat()
                    if stat.S_ISDIR(state.st_mode):  # such as a volume's lost+found
                        continue
                    is_regular = stat.S_ISREG(state.st_mode) and path.name.isascii()
                    if is_regular:
                        tighten_file(path)
                    yield Entry(path.name, _modified_at(state), state.st_size, is_unknown=not is_regular)

    def names(self) -> Iterator[str]:
        """Yield the names in directory order, without sorting."""
        with _translate_errors("list"):
            if self.folder.is_dir():
                with os.scandir(self.folder) as found:
                    yield from (entry.name for entry in found if _is_accepted(entry))

    def discard(self, key: str, batch: str, before: datetime, is_owned: Callable[[], bool]) -> bool:
        """Move the file if its lock is free, so that no upload is using it."""
        path = self.folder / key
        with _translate_errors("discard"):
            try:
                descriptor = os.open(path, LOCK_FLAGS)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if _modified_at(os.fstat(descriptor)) > before or is_owned():
                        return False
                    target = self.folder / TrashEntry(key, batch).path
                    durable.make_folder(target.parent)
                    path.rename(target)
                    durable.sync_folder(target.parent)
                    durable.sync_folder(self.folder)
                finally:
                    os.close(descriptor)
            except (BlockingIOError, FileNotFoundError):  # an upload holds or has renamed it
                return False
        return True

    def trash(self) -> Iterator[TrashEntry]:
        """Yield the trash, oldest batch first."""
        folder = self.folder / TRASH
        with _translate_errors("list"):
            batches = (
                sorted(path for path in folder.iterdir() if is_batch(path.name)) if folder.is_dir() else ()
            )
            for batch in (batch for batch in batches if batch.is_dir()):
                with contextlib.suppress(FileNotFoundError):  # another worker emptied it
                    names = sorted(path.name for path in batch.iterdir() if _is_regular_file(path))
                    yield from (TrashEntry(name, batch.name) for name in names)

    def restore(self, trashed: TrashEntry) -> bool:
        """Move the file back, dated now, so that no sweep takes it for a day."""
        source, target = self.folder / trashed.path, self.folder / trashed.key
        if target.exists():
            return False
        with _translate_errors("restore"):
            os.utime(source, (now().timestamp(),) * 2)
            source.rename(target)
            durable.sync_folder(self.folder)
        self._drop_batch(source.parent)
        return True

    def erase(self, trashed: TrashEntry) -> None:
        """Remove the file, and its batch if empty."""
        path = self.folder / trashed.path
        with _translate_errors("erase"):
            path.unlink(missing_ok=True)
        self._drop_batch(path.parent)

    def drop_unfinished(self, key: str) -> None:
        """Remove the temporary file if its lock is free: then its writer crashed."""
        abandoned = self.folder / f"{key}{PART}"
        with contextlib.suppress(FileNotFoundError), _translate_errors("store", or_missing=True):
            descriptor = os.open(abandoned, LOCK_FLAGS)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                abandoned.unlink(missing_ok=True)
            finally:
                os.close(descriptor)

    def read_note(self, name: str) -> bytes | None:
        """Return the content of the hidden file."""
        path = self.folder / name
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise NoteUnreadable(f"The marker {path} cannot be read: {error.strerror}.") from error

    def write_note(self, name: str, content: bytes) -> None:
        """Write under a temporary name, sync, rename, sync the folder."""
        part = self.folder / f"{name}.{secrets.token_hex(4)}"
        with _translate_errors("mark"):
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

    def check(self) -> None:
        """Raise unless the folder can be written to or created."""
        nearest = next(path for path in (self.folder, *self.folder.parents) if os.path.lexists(path))
        if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
            raise Unavailable(f"{nearest} is no folder that can be written to.")

    def _drop_batch(self, folder: Path) -> None:
        with contextlib.suppress(OSError):  # not empty
            folder.rmdir()


def _is_regular_file(path: Path) -> bool:
    """Return whether this service may have made it: a regular file with an ASCII name."""
    return is_file(path.name) and path.name.isascii() and stat.S_ISREG(path.lstat().st_mode)


@contextlib.contextmanager
def _translate_errors(act: str, *, or_missing: bool = False) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if or_missing and isinstance(error, FileNotFoundError):
            raise
        log.error("storage_failed", act=act, error=sentence_of(error))  # noqa: TRY400 - the cause is in the line
        raise Unavailable(
            N_("The file storage cannot take anything right now. Please try again soon.")
        ) from error


def _is_accepted(entry: os.DirEntry[str]) -> bool:
    return is_file(entry.name) and entry.name.isascii() and entry.is_file(follow_symlinks=False)


def _modified_at(state: os.stat_result) -> datetime:
    return datetime.fromtimestamp(state.st_mtime, UTC)
