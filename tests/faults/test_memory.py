"""Uploads are streamed or mapped, never read whole: many long ones at once cost little memory."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.documents.inspection.pdfs import pdf, pdf_stream
from tests.support.engines import fresh_copy
from tests.support.server import Server, running
from tests.support.waiting import all_at_once

MB = 1024 * 1024
LONG_RESUME = 20 * MB
MAX_GROWTH = 80 * MB
SETTINGS = {"MAX_UPLOAD_BYTES": str(25 * MB), "WORKER": "external", "BODIES_PER_ADDRESS": "0"}
BOUNDARY = "a-line-between"


def private_memory(session: int) -> int:
    """Bytes of memory that the processes of a session share with nobody, the workers' included."""
    total, rollups = 0, set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if int(process.joinpath("stat").read_text().rpartition(")")[2].split()[3]) != session:
                continue
            rollup = process.joinpath("smaps_rollup").read_text()  # proc_pid_smaps(5)
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
        rollups.add(rollup)  # a process that is being started shares its parent's until it has its own
    for rollup in rollups:
        total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private_"))
    return total * 1024


class Peak(threading.Thread):
    """Looks at the memory of a session, until it is told to stop; `most` is the most it saw."""

    def __init__(self, session: int) -> None:
        super().__init__()
        self.session, self.most = session, 0
        self.stop = threading.Event()

    def run(self) -> None:
        """Look again and again."""
        while not self.stop.wait(0.02):
            self.most = max(self.most, private_memory(self.session))


@contextmanager
def peak_of(session: int) -> Iterator[Peak]:
    """Look at the memory while the block runs."""
    peak = Peak(session)
    peak.start()
    try:
        yield peak
    finally:
        peak.stop.set()
        peak.join()


def submit(port: int, number: int, resume: bytes, name: str) -> int:
    """Send a form with a file, piece by piece; the status of the answer."""
    fields = {"first_name": "Jane", "last_name": "Doe", "email": f"jane{number}@example.com"}
    head = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    head += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="resume_file"; filename="{name}"\r\n\r\n'
    tail = f"\r\n--{BOUNDARY}--\r\n"
    length = len(head) + len(resume) + len(tail)
    request = (
        "POST /public/leads HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {length}\r\n\r\n{head}"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        connection.sendall(request.encode())
        connection.sendall(resume)
        connection.sendall(tail.encode())
        return int(connection.recv(64).split()[1])


def server_of(kind: str, database_url: str, folder: Path) -> Server:
    """granian as it is, or gunicorn with gevent in its place."""
    server = Server(database_url, folder, **SETTINGS)
    if kind == "gevent":
        bind = f"127.0.0.1:{server.port}"
        server.command = [sys.executable, "-m", "gunicorn", "-k", "gevent", "--bind", bind, "wsgi:app"]
    return server


def grown_by(kind: str, uploads: int, template: str, folder: Path) -> int:
    """How much more memory a server takes at most while so many long files arrive at once."""
    line = b"Ten years of contract law, and not a day too long.\n"
    text = line * (LONG_RESUME // len(line))
    resumes = [(text, "resume.txt"), (pdf(pdf_stream(text)), "resume.pdf")]
    server = server_of(kind, fresh_copy(template, folder), folder)
    with running(server):
        session = server.process.pid
        statuses = [submit(server.port, 1000 + number, *resumes[number]) for number in range(2)]
        before = private_memory(session)
        with peak_of(session) as peak:
            statuses += all_at_once(uploads, lambda number: submit(server.port, number, *resumes[number % 2]))
    assert statuses == [201] * (2 + uploads)
    return peak.most - before


@pytest.mark.parametrize("kind", ["granian", "gevent"])
def test_six_long_uploads_at_once_cost_less_memory_than_they_have_bytes(kind, template, tmp_path):
    assert grown_by(kind, 6, template, tmp_path) < MAX_GROWTH


@pytest.mark.long_form
@pytest.mark.parametrize("kind", ["granian", "gevent"])
def test_32_uploads_of_20_mb_at_once_cost_less_than_80_mb(kind, template, tmp_path):
    assert grown_by(kind, 32, template, tmp_path) < MAX_GROWTH
