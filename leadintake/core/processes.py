"""The live server processes of this machine, for the doctor.

1. At its first request, a process creates and locks a file in `processes/` of the instance.
2. The kernel releases the lock when the process ends in any way.
3. A reader that gets the lock removes the file.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import uuid
import weakref
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from flask import Flask, current_app

from leadintake.core.modes import LOCK_FLAGS, make_private_folder, open_private

POOL = "pool "
"""Prefix of the line with the process's number of database connections."""
log = structlog.get_logger()


@dataclass(frozen=True)
class ServerProcess:
    """A live process and its notes about itself."""

    pool: int
    notes: frozenset[str]


@dataclass
class _OwnFile:
    lock: threading.Lock = field(default_factory=threading.Lock)
    process: int = 0
    descriptor: int = -1
    noted: set[str] = field(default_factory=set)


def init_app(app: Flask) -> None:
    """Register this process at its first request."""
    app.extensions["leadintake.process"] = _OwnFile()
    app.before_request(_note_once)


def note(word: str) -> bool:
    """Add a note on this process. Return whether it is new."""
    own: _OwnFile = current_app.extensions["leadintake.process"]
    if word in own.noted:
        return False
    with own.lock:
        if word in own.noted:
            return False
        own.noted.add(word)
        if own.descriptor >= 0:
            with contextlib.suppress(OSError):  # a full disk must not cost an answer
                os.write(own.descriptor, f"{word}\n".encode())
    return True


def list_live(app: Flask) -> list[ServerProcess]:
    """Return the live processes that have answered a request."""
    folder = _folder(app)
    if not folder.is_dir():
        return []
    found = (_read_process(path) for path in sorted(folder.iterdir()) if not path.name.startswith("."))
    return [process for process in found if process is not None]


def _folder(app: Flask) -> Path:
    return Path(app.config["INSTANCE_PATH"]) / "processes"


def _note_once() -> None:
    own: _OwnFile = current_app.extensions["leadintake.process"]
    if own.process == os.getpid():
        return
    with own.lock:
        if own.process != os.getpid():  # a server may fork after loading the application
            own.process, own.descriptor = os.getpid(), -1
            own.noted.clear()
            try:
                _add_file(current_app._get_current_object(), own)  # type: ignore[attr-defined] # LocalProxy's own
            except OSError as error:
                log.warning("process_not_noted", error=str(error))


def _add_file(app: Flask, own: _OwnFile) -> None:
    """Create and lock the file under a hidden name, then rename it: readers remove unlocked files."""
    folder = _folder(app)
    make_private_folder(folder)
    name = f"{own.process}-{uuid.uuid4().hex}"
    draft = folder / f".{name}"
    descriptor = open_private(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.write(descriptor, f"{POOL}{app.config['DATABASE_POOL_SIZE']}\n".encode())
    draft.rename(folder / name)
    own.descriptor = descriptor
    weakref.finalize(app, _remove_file, own.process, descriptor, folder / name)


def _remove_file(process: int, descriptor: int, path: Path) -> None:
    if process == os.getpid():  # else a child process inherited the parent's file
        path.unlink(missing_ok=True)
    os.close(descriptor)


def _read_process(path: Path) -> ServerProcess | None:
    try:
        descriptor = os.open(path, LOCK_FLAGS)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        lines = os.read(descriptor, 4096).decode().splitlines()
        pools = [int(line.removeprefix(POOL)) for line in lines if line.startswith(POOL)]
        return ServerProcess(sum(pools), frozenset(line for line in lines if not line.startswith(POOL)))
    finally:
        os.close(descriptor)
    return None
