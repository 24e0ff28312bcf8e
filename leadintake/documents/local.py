"""Files in a folder of this machine."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import structlog

from leadintake.core import durable
from leadintake.core.errors import Unavailable
from leadintake.core.languages import phrase
from leadintake.core.modes import open_private, tighten_file
from leadintake_logging.failures import sentence_of

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

    def names(self) -> Iterator[str]:
        """The names of all files, unfinished ones too. One that others can read is tightened on the way."""
        if self.folder.is_dir():
            # Folders are none of ours: a volume brings its lost+found.
            files = (path for path in self.folder.iterdir() if path.is_file())
            for path in sorted(path for path in files if not path.name.startswith(".")):
                tighten_file(path)
                yield path.name

    def delete_unless(self, key: str, owned: Callable[[], bool]) -> bool:
        """Ask for the file's lock first: whoever holds it is still deciding."""
        path = self.folder / key
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if owned():
                return False
            path.unlink(missing_ok=True)  # an upload may have given it its name meanwhile
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True

    def look(self) -> None:
        """Raise unless the folder may be written to, or made."""
        there = next(path for path in (self.folder, *self.folder.parents) if os.path.lexists(path))
        if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
            raise Unavailable(f"{there} is no folder that can be written to.")


@contextlib.contextmanager
def _as_unavailable(act: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        log.error("storage_failed", act=act, error=sentence_of(error))  # noqa: TRY400 - the cause is in the line
        raise Unavailable(
            phrase("The file storage cannot take anything right now. Please try again soon.")
        ) from error
