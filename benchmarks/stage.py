"""An application with people and leads, to measure on."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from flask import Flask
from flask_migrate import upgrade

from leadintake import create_app
from leadintake.auth.people.service import users
from leadintake.auth.permissions import Role
from leadintake.auth.service import auth
from leadintake.core.actor import OPERATOR
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.db.types import new_id
from leadintake.demo.people import resume_of
from leadintake.documents.models import Document
from leadintake.leads import search_index
from leadintake.leads.fields import search_line, search_text
from leadintake.leads.models import Lead
from leadintake.leads.reference import ALPHABET, GROUP

BATCH = 5000
BOUNDARY = "-----------------------------4066"
PASSWORD = "unrelated words to measure"
PDF_ROW = {"filename": "resume.pdf", "content_type": "application/pdf", "size": 1, "sha256": "0" * 64}
LEAD_ROW = {
    "version": 1,
    "assignment_strategy": "least_open",
    "assignment_reason": "",
    "submission_fingerprint": "0" * 64,
}


def application(folder: Path, name: str, **settings: object) -> Flask:
    """A migrated application with four attorneys and an administrator."""
    limits = dict.fromkeys(("RATE_LIMIT_SUBMISSIONS", "RATE_LIMIT_LOGINS"), "")
    app = create_app(INSTANCE_PATH=str(folder / name), **{"WORKER": "external", **limits, **settings})
    with app.app_context():
        upgrade()
        with transaction():
            users.add("ada@firm.example.com", "Ada", Role.ADMIN, PASSWORD, actor=OPERATOR)
            for number in range(4):
                users.add(
                    f"attorney{number}@firm.example.com",
                    f"Attorney {number}",
                    Role.ATTORNEY,
                    PASSWORD,
                    actor=OPERATOR,
                )
    return app


def add_leads(app: Flask, count: int, name_lead: Callable[[int], tuple[str, str]] | None = None) -> None:
    """Insert leads in bulk, a second apart, every tenth pending; `name_lead` gives first and last names."""
    with app.app_context(), transaction():
        owners = [user.id for user in auth.intake_attorneys()]
        start = now() - timedelta(seconds=count)
        documents: list[dict[str, object]] = []
        rows: list[dict[str, object]] = []
        for number in range(count):
            times = dict.fromkeys(("created_at", "updated_at"), start + timedelta(seconds=number))
            document = {"id": new_id(), **PDF_ROW, **times}
            documents.append({**document, "key": f"{document['id']}.pdf"})
            name = f"name{number * 7919 % count:07}"
            first, last = name_lead(number) if name_lead else ("Jane", name)
            texts = {"first_name": first, "last_name": last, "email": f"{last}@example.com"}
            lead = {"id": new_id(), "reference": _make_reference(number), **LEAD_ROW, **texts, **times}
            lead |= {"searchable": search_line(texts), "search_text": search_text(texts, lead["reference"])}
            lead |= {"assignee_id": owners[number % 4], "assigned_at": times["created_at"]}
            lead |= {"resume_id": document["id"]}
            rows.append({**lead, "status": "REACHED_OUT" if number % 10 else "PENDING"})
            if len(rows) == BATCH or number == count - 1:
                db.session.execute(sa.insert(Document.__table__), documents)
                db.session.execute(sa.insert(Lead.__table__), rows)
                search_index.add({row["id"]: row["search_text"] for row in rows})
                documents, rows = [], []


def _make_reference(number: int) -> str:
    """Return a reference of its own for each number: drawn ones would conflict."""
    rest, characters = number * 7_919_000_039 % 20**8, ""
    for _ in range(2 * GROUP):
        rest, place = divmod(rest, 20)
        characters += ALPHABET[place]
    return f"{characters[:GROUP]}-{characters[GROUP:]}"


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
    for _ in range(times):
        start = time.perf_counter()
        act()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)
