"""What the service writes is for its own user alone: files 0600, folders 0700, whatever the umask.

What was there before, as an operator or an earlier version made it, is tightened where it is ours. A folder
that others have something in, or that is everybody's by design (`/tmp`), is left; the doctor names it.
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
BESIDE_A_DATABASE = ("-wal", "-shm", "-journal")
NOT_OURS = {"lost+found"}
"""What a volume brings along."""


def init_app(app: Flask) -> None:
    """Have the doctor look."""
    checks.register(app, "files", lambda: _check(_all_in(app)), needed=False)


def make_private_folder(folder: Path) -> list[Path]:
    """Make the folder, and those above it, for us alone; tighten one that is there.

    Return the folders in which a name is new: whoever promises durability syncs them. Raises OSError.
    """
    if folder.is_dir():
        tighten_folder(folder)
        return []
    above = make_private_folder(folder.parent) if not folder.parent.is_dir() else []
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    tighten_folder(folder)  # it may have been made by another process meanwhile, and mkdir heeds the umask
    return [*above, folder.parent]


def tighten_folder(folder: Path) -> None:
    """Take a folder of ours from others, unless they have something in it."""
    found = folder.stat()
    if _is_open(found) and not found.st_mode & stat.S_ISVTX and not _is_shared(folder):
        folder.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)


def tighten_file(path: Path) -> None:
    """Take a file of ours from others. What is not there, not ours or on a disk that only reads is left."""
    with contextlib.suppress(OSError):
        found = path.lstat()
        if stat.S_ISREG(found.st_mode) and _is_open(found):
            path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)


def open_private(path: Path, flags: int = os.O_WRONLY | os.O_CREAT | os.O_TRUNC) -> int:
    """The descriptor of a file for us alone, which is no link to another. Raises OSError."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def write_private(path: Path, content: bytes) -> None:
    """Write a file for us alone. Raises OSError."""
    with os.fdopen(open_private(path), "wb") as file:
        file.write(content)


def secure_database(path: Path) -> None:
    """Have the file of an embedded database be ours alone before it is opened, and what SQLite keeps beside.

    SQLite gives those the mode of the database, but makes that by the umask.
    """
    if not path.exists():
        with contextlib.suppress(OSError):  # whoever opens it says what is wrong
            os.close(open_private(path, os.O_RDWR | os.O_CREAT))
    for kept in (path, *(path.with_name(path.name + more) for more in BESIDE_A_DATABASE)):
        tighten_file(kept.resolve())


def _is_open(found: os.stat_result) -> bool:
    """Whether it is ours and others may do something with it."""
    return bool(found.st_mode & OTHERS) and found.st_uid == os.geteuid()


def _is_shared(folder: Path) -> bool:
    """Whether somebody else has something in it."""
    with os.scandir(folder) as entries:
        return any(_is_anothers(entry) for entry in entries if entry.name not in NOT_OURS)


def _is_anothers(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.stat(follow_symlinks=False).st_uid != os.geteuid()
    except FileNotFoundError:  # it went meanwhile
        return False


def _all_in(app: Flask) -> Iterator[Path]:
    """Every place of the service, what lies in a folder of it, and what SQLite keeps beside a database."""
    for purpose, path in places.of(app):
        place = path.resolve()
        yield place
        if purpose == places.DATABASE:
            yield from (place.with_name(place.name + more) for more in BESIDE_A_DATABASE)
        elif purpose != places.INSTANCE and place.is_dir():
            yield from place.iterdir()


def _check(paths: Iterable[Path]) -> None:
    """Take from others what is ours, and raise where they can get at something still."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            found = path.lstat()
            if path.name in NOT_OURS or not (stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)):
                continue  # a link has no mode of its own
            (tighten_folder if stat.S_ISDIR(found.st_mode) else tighten_file)(path)
            mode = path.lstat().st_mode
            if mode & OTHERS:
                raise PermissionError(
                    f"{path} is open to others on this machine (mode {stat.S_IMODE(mode):04o}). "
                    f"Run: chmod {'700' if stat.S_ISDIR(mode) else '600'} {path}"
                )
