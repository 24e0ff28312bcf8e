"""An application with people and leads, to measure on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from flask import Flask
from flask_migrate import upgrade

from benchmarks.grow import add_people
from leadintake import create_app
from leadintake.auth.models import User
from leadintake.core.db.database import db, engine_url
from leadintake.demo.people import resume_of

SMOKE = bool(os.environ.get("SMOKE"))
"""Whether all is to run with next to nothing, to see that it runs: figures mean nothing, none is wanted."""
Number = TypeVar("Number", int, float)
DATABASE, SECRET = "leadintake.sqlite3", "secret_key"
POSTGRESQL = os.environ.get("POSTGRESQL_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
BOUNDARY = "-----------------------------4066"


def size(usual: Number, least: Number) -> Number:
    """Return how much is measured: the least in a smoke test."""
    return least if SMOKE else usual


def application(folder: Path, name: str, **settings: object) -> Flask:
    """A migrated application with four attorneys and an administrator, or the one that is there."""
    limits = dict.fromkeys(("RATE_LIMIT_SUBMISSIONS", "RATE_LIMIT_LOGINS"), "")
    home, template = folder / name, folder / "template"
    if "DATABASE_URL" not in settings and not (home / DATABASE).exists():
        if home != template and not (template / DATABASE).exists():
            application(folder, template.name)
        home.mkdir(parents=True, exist_ok=True)
        for file in (DATABASE, SECRET) if home != template else ():
            shutil.copy(template / file, home / file)
    app = create_app(INSTANCE_PATH=str(home), **{"WORKER": "external", **limits, **settings})
    with app.app_context():
        upgrade()
        is_empty = db.session.scalar(sa.select(sa.func.count(User.id))) == 0
        db.session.remove()
        if is_empty:
            add_people(app)
        db.engine.dispose()  # the last to close a SQLite file leaves no log beside it
    return app


@contextmanager
def postgresql(name: str) -> Iterator[str]:
    """Yield the URL of an empty database on the server of POSTGRESQL_URL; drop it afterwards."""
    name = f"leadintake_{name.replace('-', '_')}"
    engine = sa.create_engine(engine_url(POSTGRESQL), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        try:
            yield engine_url(POSTGRESQL).set(database=name).render_as_string(hide_password=False)
        finally:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()


def write_table(name: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows with the same columns, and write them to build/NAME.json."""
    folder = Path("build")
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(rows, indent=2, ensure_ascii=False))
    first, *columns = rows[0]
    print("  " + first.ljust(40) + "".join(column.rjust(11) for column in columns))
    for row in rows:
        figures = (f"{row[column]:11.2f}" for column in columns)
        print("  " + str(row[first]).ljust(40) + "".join(figures))


@contextmanager
def server(command: list[str], target: str, settings: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Run gunicorn or granian; yield its port and its session, which all its processes belong to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    where = (
        ["--bind", f"127.0.0.1:{port}"]
        if "gunicorn" in command
        else ["--host", "127.0.0.1", "--port", str(port)]
    )
    process = subprocess.Popen(  # noqa: S603 - our own server
        [sys.executable, *command, *where, target],
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(port)
        yield port, process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2):
            return
        time.sleep(0.1)
    raise TimeoutError("the server does not start")


def form_of(fields: dict[str, str], file: bytes = resume_of("Jane Doe"), name: str = "resume.pdf") -> bytes:
    """The body of a submission, as a browser sends it."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        for field, value in fields.items()
    ]
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="resume_file"; filename="{name}"\r\n\r\n'
    return b"".join(parts) + head.encode() + file + f"\r\n--{BOUNDARY}--\r\n".encode()


def seconds(act: Callable[[], object], times: int = 15) -> float:
    """The median time of an act."""
    taken = []
    for _ in range(size(times, 1)):
        start = time.perf_counter()
        act()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)
