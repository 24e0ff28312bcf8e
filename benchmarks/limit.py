"""The least that an intake costs: parse, sync a file, commit one row. Ours is compared with it.

gunicorn --workers 2 --threads 8 benchmarks.limit:app, with LIMIT_FOLDER naming where it keeps both.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from werkzeug import Request, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

FOLDER = Path(os.environ.get("LIMIT_FOLDER", "."))
_local = threading.local()


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Keep a submission, and promise nothing else."""
    request, number = Request(environ), uuid.uuid4()
    file, form = request.files["resume_file"], request.form
    with (FOLDER / f"{number}.pdf").open("wb") as kept:
        file.save(kept)
        kept.flush()
        os.fsync(kept.fileno())
    with _connection() as database:
        values = (str(number), form["first_name"], form["last_name"], form["email"])
        database.execute("INSERT INTO leads VALUES (?, ?, ?, ?)", values)
    return Response(f'{{"id": "{number}"}}', 201, content_type="application/json")(environ, start_response)


def _connection() -> sqlite3.Connection:
    if not hasattr(_local, "database"):
        _local.database = sqlite3.connect(FOLDER / "limit.sqlite3", timeout=30)
        _local.database.execute("PRAGMA journal_mode=WAL")
        _local.database.execute("PRAGMA synchronous=FULL")
        _local.database.execute("CREATE TABLE IF NOT EXISTS leads (id, first_name, last_name, email)")
    database: sqlite3.Connection = _local.database
    return database
