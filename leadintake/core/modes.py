"""File modes: files 0600, folders 0700, whatever the umask.

Existing ones of the service's user are tightened, except folders that contain files of others or are public
by design (`/tmp`): the doctor reports those.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from flask import Flask

from leadintake.core import checks, places

OTHERS = 0o077
SQLITE_SUFFIXES = ("-wal", "-shm", "-journal", "-queue")
LOCK_FLAGS = os.O_RDWR | os.O_NOFOLLOW
"""Flags to open a file for locking: over NFS, flock needs write access (flock(2))."""
IGNORED_NAMES = {"lost+found"}
"""Names that a volume contains from the start."""


def init_app(app: Flask) -> None:
    """Register the doctor's check."""
    checks.register(app, "files", lambda: _check(_list_paths(app)), needed=False)


def make_private_folder(folder: Path) -> list[Path]:
    """Create a folder and its parents with mode 0700; tighten an existing one.

    Returns the folders with a new entry, to be synced. Raises OSError.
    """
    if folder.is_dir():
        tighten_folder(folder)
        return []
    above = make_private_folder(folder.parent) if not folder.parent.is_dir() else []
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        _chown_folder(folder)
    tighten_folder(folder)  # mkdir obeys the umask, and another process may have been faster
    return [*above, folder.parent]


def tighten_folder(folder: Path) -> None:
    """Remove others' access to a folder of this user, unless it contains files of others."""
    found = folder.stat()
    if _is_exposed(found) and not found.st_mode & stat.S_ISVTX and not _is_shared(folder):
        folder.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)


def tighten_file(path: Path) -> None:
    """Remove others' access to a file of this user, if it exists and its disk is writable."""
    with contextlib.suppress(OSError):
        found = path.lstat()
        if stat.S_ISREG(found.st_mode) and _is_exposed(found):
            path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)


def open_private(path: Path, flags: int = os.O_WRONLY | os.O_CREAT | os.O_TRUNC) -> int:
    """Open a file with mode 0600, following no link; return the descriptor. Raises OSError.

    With O_EXCL as root, the new file gets the owner of its folder, so that the service can read it.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        if flags & os.O_EXCL:
            _chown_to_owner_of(path.parent, descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def write_private(path: Path, content: bytes) -> None:
    """Write a file with mode 0600. Raises OSError."""
    with os.fdopen(open_private(path), "wb") as file:
        file.write(content)


def secure_database(path: Path) -> None:
    """Restrict an SQLite database with -wal, -shm, -journal and -queue to mode 0600, before it is opened.

    SQLite creates the database by the umask, and the others with the database's mode.
    """
    if not path.exists():
        with contextlib.suppress(OSError):  # SQLite reports the error when it opens the file
            os.close(open_private(path, os.O_RDWR | os.O_CREAT))
    for file in (path, *(path.with_name(path.name + more) for more in SQLITE_SUFFIXES)):
        tighten_file(file.resolve())


def _chown_to_owner_of(folder: Path, descriptor: int) -> None:
    """As root, give a new file to the owner of its folder."""
    if os.geteuid() == 0:
        owner = folder.stat()
        if os.fstat(descriptor).st_uid != owner.st_uid:
            with contextlib.suppress(OSError):  # a file system without owners, or with root squashed
                os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _chown_folder(folder: Path) -> None:
    # O_NOFOLLOW: others may plant a link.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _chown_to_owner_of(folder.parent, descriptor)
    finally:
        os.close(descriptor)


def _is_exposed(status: os.stat_result) -> bool:
    return bool(status.st_mode & OTHERS) and status.st_uid == os.geteuid()


def _is_shared(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return any(_is_foreign(entry) for entry in entries if entry.name not in IGNORED_NAMES)


def _is_foreign(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.stat(follow_symlinks=False).st_uid != os.geteuid()
    except FileNotFoundError:  # deleted meanwhile
        return False


def _list_paths(app: Flask) -> Iterator[Path]:
    """Yield all registered paths, the entries of folders, and SQLite's files."""
    for purpose, path in places.list_places(app):
        place = path.resolve()
        yield place
        if purpose == places.DATABASE:
            yield from (place.with_name(place.name + more) for more in SQLITE_SUFFIXES)
        elif purpose != places.INSTANCE and place.is_dir():
            yield from place.iterdir()


def _check(paths: Iterable[Path]) -> None:
    """Tighten the paths; raise PermissionError where others still have access."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            found = path.lstat()
            if path.name in IGNORED_NAMES or not (stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)):
                continue  # a link has no mode of its own
            (tighten_folder if stat.S_ISDIR(found.st_mode) else tighten_file)(path)
            mode = path.lstat().st_mode
            if mode & OTHERS:
                raise PermissionError(
                    f"{path} is open to others on this machine (mode {stat.S_IMODE(mode):04o}). "
                    f"Run: chmod {'700' if stat.S_ISDIR(mode) else '600'} {path}"
                )
