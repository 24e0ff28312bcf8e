"""Old and new code on the old and the new schema, under load: nobody is answered 500."""

from __future__ import annotations

import re
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from leadintake.core.db import revisions
from tests.support.client import PDF
from tests.support.ledger import LONG
from tests.support.server import ROOT, Server, wait_until

MIGRATION = """
import sqlalchemy as sa
from leadintake.core.db import schema
revision, down_revision, oldest_code = "9001", "{head}", "{oldest}"
branch_labels = depends_on = None
def upgrade():
    schema.add_column("leads", sa.Column("shoe_size", sa.Integer(), server_default="42", nullable=False))
    schema.create_index("ix_leads_shoe_size", "leads", ["shoe_size"])
def downgrade():
    schema.drop_index("ix_leads_shoe_size", "leads")
    schema.drop_column("leads", "shoe_size")
"""
PROSPECT = {"first_name": "Jane", "last_name": "Doe", "email": "jane@example.com"}
ENGINES = pytest.mark.every_engine if LONG else pytest.mark.filterwarnings("error")
"""The short form runs on SQLite alone, and only with old code that may run."""
HEAD = max(revisions.list_revisions())


def newer_version(folder: Path, oldest: str) -> Path:
    """This code with one migration more, and a column that it needs."""
    for package in ("leadintake", "migrations"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "wsgi.py", folder)
    (folder / "migrations" / "versions" / "9001_shoes.py").write_text(
        MIGRATION.format(head=HEAD, oldest=oldest)
    )
    models = folder / "leadintake" / "leads" / "models.py"
    column = "    shoe_size: Mapped[int] = mapped_column(default=42)\n"
    text, replaced = re.subn(r"^(    first_name: )", column + r"\1", models.read_text(), count=1, flags=re.M)
    assert replaced == 1
    models.write_text(text)
    return folder


class Clients:
    """Prospects who submit to a server, and what they were answered."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.answers: list[requests.Response] = []

    def submit(self) -> requests.Response:
        """Submit once."""
        answer = requests.post(
            f"{self.server.address}/public/leads",
            data=PROSPECT,
            files={"resume_file": ("resume.pdf", PDF)},
            timeout=30,
        )
        self.answers.append(answer)
        return answer

    def answered(self, number: int) -> None:
        """Wait for so many answers more."""
        enough = len(self.answers) + number
        wait_until(lambda: len(self.answers) >= enough, "they were answered")

    @property
    def statuses(self) -> Counter[int]:
        """How many were answered what."""
        return Counter(answer.status_code for answer in self.answers)


def told(server: Server) -> str:
    """What readiness says."""
    return str(requests.get(f"{server.address}/readyz", timeout=10).json().get("detail", ""))


@contextmanager
def load(*crowds: Clients) -> Iterator[None]:
    """Have two clients of each submit all the time."""
    over = threading.Event()

    def go_on(clients: Clients) -> None:
        while not over.is_set():
            clients.submit()
            over.wait(0.05)

    threads = [threading.Thread(target=go_on, args=(clients,)) for clients in crowds for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


@ENGINES
@pytest.mark.parametrize(
    "may_run",
    [True, pytest.param(False, marks=pytest.mark.long_form)],
    ids=["old code may run", "old code may not run"],
)
def test_nobody_is_answered_500_while_the_version_changes(may_run, database_url, tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    old = Server(database_url, tmp_path / "old", WORKER="external", BODIES_PER_ADDRESS="0")
    new = Server(database_url, tmp_path / "new", WORKER="external", BODIES_PER_ADDRESS="0")
    new.tree = newer_version(tmp_path / "code", HEAD if may_run else "9001")
    before, after = Clients(old), Clients(new)
    old.start()
    new.start()
    try:
        wait_until(lambda: "9001" in told(new), "readiness names the revision")
        refused = after.submit()
        assert refused.status_code == 503
        assert refused.headers["Retry-After"]
        with load(before, after):
            before.answered(5)
            assert set(before.statuses) == {201}
            assert set(after.statuses) == {503}
            upgraded = new.run("db", "upgrade")
            assert upgraded.returncode == 0, upgraded.stderr
            wait_until(lambda: after.statuses[201] > 3, "the new version takes leads")
            if not may_run:
                wait_until(lambda: "revision" in told(old), "the old version says what it misses")
            else:
                assert "revision" not in told(old)
            before.answered(5)
        assert before.submit().status_code == (201 if may_run else 503)
        assert after.submit().status_code == 201
        assert set(before.statuses) | set(after.statuses) <= {201, 503}
    finally:
        old.kill()
        new.kill()
        back = new.run("db", "downgrade", HEAD)
    assert back.returncode == 0, back.stderr
