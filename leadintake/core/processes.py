"""The server processes of this machine that live, for the doctor: each holds a lock on a file of its own.

A process notes itself with its first request, in `processes/` of the instance. The kernel drops the lock of a
process that ends, however it ends; whoever looks next removes its file.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import weakref
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from flask import Flask, current_app

from leadintake.core.modes import make_private_folder, open_private
from leadintake.core.types import new_id

POOL = "pool "
"""Beginning of the line that says how many database connections the process may hold."""
log = structlog.get_logger()


@dataclass(frozen=True)
class ServerProcess:
    """A process that lives, and what it noted about itself."""

    pool: int
    notes: frozenset[str]


@dataclass
class _Own:
    """The file of this process."""

    guard: threading.Lock = field(default_factory=threading.Lock)
    process: int = 0
    descriptor: int = -1
    noted: set[str] = field(default_factory=set)


def init_app(app: Flask) -> None:
    """Note this process with its first request."""
    app.extensions["leadintake.process"] = _Own()
    app.before_request(_note_once)


def note(word: str) -> bool:
    """Note something about this process: a word that the doctor knows. Return whether it is new."""
    own: _Own = current_app.extensions["leadintake.process"]
    if word in own.noted:
        return False
    with own.guard:
        if word in own.noted:
            return False
        own.noted.add(word)
        if own.descriptor >= 0:
            with contextlib.suppress(OSError):  # a disk that is full costs no answer
                os.write(own.descriptor, f"{word}\n".encode())
    return True


def alive(app: Flask) -> list[ServerProcess]:
    """The processes of this machine that have answered a request and still live."""
    folder = _folder(app)
    if not folder.is_dir():
        return []
    found = (_look_at(path) for path in sorted(folder.iterdir()) if not path.name.startswith("."))
    return [process for process in found if process is not None]


def _folder(app: Flask) -> Path:
    return Path(app.config["INSTANCE_PATH"]) / "processes"


def _note_once() -> None:
    own: _Own = current_app.extensions["leadintake.process"]
    if own.process == os.getpid():
        return
    with own.guard:
        if own.process != os.getpid():  # a server may have forked after loading the application
            own.process, own.descriptor = os.getpid(), -1
            own.noted.clear()
            try:
                _enter(current_app._get_current_object(), own)  # type: ignore[attr-defined] # LocalProxy's own
            except OSError as error:
                log.warning("process_not_noted", error=str(error))


def _enter(app: Flask, own: _Own) -> None:
    """Make the file under another name first: one that is not locked yet is taken for a dead process's."""
    folder = _folder(app)
    make_private_folder(folder)
    name = f"{own.process}-{new_id().hex}"
    draft = folder / f".{name}"
    descriptor = open_private(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.write(descriptor, f"{POOL}{app.config['DATABASE_POOL_SIZE']}\n".encode())
    draft.rename(folder / name)
    own.descriptor = descriptor
    weakref.finalize(app, _leave, own.process, descriptor, folder / name)


def _leave(process: int, descriptor: int, path: Path) -> None:
    if process == os.getpid():  # what a child inherited is its parent's still
        path.unlink(missing_ok=True)
    os.close(descriptor)


def _look_at(path: Path) -> ServerProcess | None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
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
